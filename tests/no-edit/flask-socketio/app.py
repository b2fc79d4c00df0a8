from flask import Flask
from flask_socketio import SocketIO

app = Flask(__name__)
socketio = SocketIO(app)


@app.route("/")
def page():
    return "talks back"


@socketio.on("message")
def heard(text):
    socketio.send(text)


if __name__ == "__main__":
    socketio.run(app)
