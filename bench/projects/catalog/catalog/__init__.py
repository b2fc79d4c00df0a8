"""A catalogue of books: add one with the address of its cover, which is kept as a small picture."""

import io
import os

import requests
from flask import Flask, Response, abort, redirect, render_template, request, url_for
from PIL import Image
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

THUMBNAIL = (160, 240)


class Base(DeclarativeBase):
    pass


class Book(Base):
    __tablename__ = "book"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    cover: Mapped[bytes | None]


def create_app():
    # STATE_DIRECTORY is where systemd lets the service write: /var/lib/catalog
    app = Flask(__name__, instance_path=os.environ.get("STATE_DIRECTORY"))
    os.makedirs(app.instance_path, exist_ok=True)
    engine = create_engine(f"sqlite:///{app.instance_path}/catalog.sqlite3")
    Base.metadata.create_all(engine)

    @app.get("/")
    def index():
        with Session(engine) as session:
            return render_template(
                "index.html", books=session.scalars(select(Book).order_by(Book.title)).all()
            )

    @app.post("/")
    def add():
        with Session(engine) as session:
            session.add(Book(title=request.form["title"][:200], cover=cover(request.form.get("cover"))))
            session.commit()
        return redirect(url_for("index"))

    @app.get("/cover/<int:number>.webp")
    def picture(number):
        with Session(engine) as session:
            book = session.get(Book, number)
            if book is None or book.cover is None:
                abort(404)
            return Response(book.cover, mimetype="image/webp")

    @app.get("/healthz")
    def healthz():
        with Session(engine) as session:
            session.scalar(select(Book.id).limit(1))
        return {"status": "ok"}

    return app


def cover(address):
    if not address:
        return None
    answer = requests.get(address, timeout=5)
    answer.raise_for_status()
    image = Image.open(io.BytesIO(answer.content))
    image.thumbnail(THUMBNAIL)
    small = io.BytesIO()
    image.convert("RGB").save(small, "WEBP")
    return small.getvalue()
