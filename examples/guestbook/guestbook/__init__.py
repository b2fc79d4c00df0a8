"""A guest book: one page, one form, one table."""

import os
import sqlite3
import sys

import click
from flask import Flask, current_app, g, redirect, render_template, request, url_for

SCHEMA = """
CREATE TABLE IF NOT EXISTS entry (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    message TEXT NOT NULL,
    written TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
)
"""


def create_app():
    # STATE_DIRECTORY is where systemd lets the service write: /var/lib/guestbook
    app = Flask(__name__, instance_path=os.environ.get("STATE_DIRECTORY"))
    app.config["SECRET_KEY"] = os.environ.get("SECRET_KEY", "only for development")
    app.config["DATABASE"] = os.path.join(app.instance_path, "guestbook.sqlite3")
    app.teardown_appcontext(close_database)
    app.cli.add_command(count)

    @app.get("/")
    def index():
        entries = database().execute("SELECT * FROM entry ORDER BY id DESC LIMIT 100").fetchall()
        return render_template("index.html", entries=entries)

    @app.post("/")
    def sign():
        name, message = request.form.get("name", "").strip(), request.form.get("message", "").strip()
        if not name or not message:
            return render_template("index.html", entries=[], complaint="Both a name and a message, please."), 400
        with database() as connection:
            connection.execute("INSERT INTO entry (name, message) VALUES (?, ?)", (name[:80], message[:2000]))
        return redirect(url_for("index"))

    @app.get("/healthz")
    def healthz():
        database().execute("SELECT 1 FROM entry LIMIT 1")
        return {"status": "ok", "compiled": "markupsafe._speedups" in sys.modules}

    return app


def database():
    if "database" not in g:
        os.makedirs(current_app.instance_path, exist_ok=True)
        g.database = sqlite3.connect(current_app.config["DATABASE"])
        g.database.row_factory = sqlite3.Row
        g.database.execute(SCHEMA)
    return g.database


def close_database(_error=None):
    if connection := g.pop("database", None):
        connection.close()


@click.command()
def count():
    """Say how many entries the guest book has."""
    click.echo(database().execute("SELECT count(*) FROM entry").fetchone()[0])
