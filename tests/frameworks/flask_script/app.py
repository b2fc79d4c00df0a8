from flask import Flask, Markup

app = Flask(__name__)


@app.route("/")
def index():
    return Markup("<h1>{}</h1>").format("An old app, version 1")
