from flask import Flask

app = Flask(__name__)


@app.route("/")
def page():
    return "locked by nobody yet"
