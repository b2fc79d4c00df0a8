# Written by 'debonair init'. You can edit it. It runs main.py, and aiohttp listens on the Pi's socket.
import os
import runpy
import sys

from aiohttp import web

LEFT_OUT = ("host", "port", "sock")
run_app = web.run_app


def run_on_socket(app, **options):
    kept = {name: value for name, value in options.items() if name not in LEFT_OUT}
    run_app(app, **dict(kept, path=os.environ["SOCKET"]))


web.run_app = run_on_socket
sys.argv = ["main.py"]
sys.path.insert(0, ".")
runpy.run_path("main.py", run_name="__main__")
