from flask import Flask


def create_app():
    app = Flask(__name__)

    @app.route("/")
    def page():
        return "made by a factory"

    return app
