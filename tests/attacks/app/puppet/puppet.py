"""An app that was broken into: it does, in its own process, whatever Python is posted to it.

Like many a Flask app it reads ``config.py`` of its instance folder, which it can write to itself.
"""

from __future__ import annotations

import os
import traceback
from typing import Any

from flask import Flask, request

VERSION = "1.0"
# FURTHER CODE

app = Flask(__name__, instance_path=os.environ["STATE_DIRECTORY"], instance_relative_config=True)
app.config.from_pyfile("config.py", silent=True)


@app.get("/")
def index() -> str:
    return VERSION


@app.get("/well")
def well() -> str:
    return "well"


@app.post("/do")
def do() -> tuple[str, int]:
    """Run what is posted; it answers by the variable ``result``."""
    scope: dict[str, Any] = {"result": ""}
    try:
        exec(request.form["code"], scope)
    except BaseException:  # whatever it is, the attacker is told
        return traceback.format_exc(), 500
    return str(scope["result"]), 200


@app.cli.command()
def tick() -> None:
    """What its timer does: loading the app is enough."""
