from flask import Blueprint, redirect, render_template, request, url_for

from .db import get_db

bp = Blueprint("blog", __name__)


@bp.route("/")
def index():
    posts = get_db().execute("SELECT title, body FROM post ORDER BY id").fetchall()
    return render_template("blog/index.html", posts=posts)


@bp.route("/create", methods=("GET", "POST"))
def create():
    db = get_db()
    db.execute("INSERT INTO post (title, body) VALUES (?, ?)", (request.form["title"], request.form["body"]))
    db.commit()
    return redirect(url_for("blog.index"))
