import lgpio
from flask import Flask
from gpiozero import LED

app = Flask(__name__)


@app.route("/")
def page():
    return "lamp: " + str(LED(17).value)
