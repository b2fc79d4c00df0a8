"""A page put together from parts that are loaded at different times, each of which says its release.

An app whose files are replaced under it mixes releases: what it loaded at its start is of the old one, what
it loads now is of the new one. Here a module and a template are loaded anew for each request, so that none
of them hides behind what was loaded before.
"""

import importlib.util
import time

from flask import Flask, render_template, request

RELEASE = "1.0"


def create_app():
    app = Flask(__name__)
    app.jinja_env.cache = None  # each template is read when it is rendered

    @app.get("/")
    def page():
        module = load_anew("late.part")
        time.sleep(min(request.args.get("pause", 0, float), 10))  # a switch may come in between
        page = render_template("page.txt", at_start=RELEASE, by_import=module.RELEASE)
        return page, {"Content-Type": "text/plain"}

    @app.get("/healthz")
    def healthz():
        return {"release": RELEASE}

    return app


def load_anew(name):
    """Return the module ``name`` as its file is now, as a first import gives it."""
    found = importlib.util.find_spec(name)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module
