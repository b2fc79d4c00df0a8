import psutil
from flask import Flask

app = Flask(__name__)


@app.route("/")
def page():
    memory = psutil.virtual_memory().total // 1024
    return f"{memory} kB, {psutil.cpu_percent()} %, {psutil.boot_time():.0f}"
