# Written by 'debonair init'. You can edit it. It runs main.py, and uvicorn listens on the Pi's socket.
import os
import runpy
import sys

import uvicorn

LEFT_OUT = ("host", "port", "reload", "fd")
run = uvicorn.run


def run_on_socket(app, **options):
    kept = {name: value for name, value in options.items() if name not in LEFT_OUT}
    run(app, **dict(kept, uds=os.environ["SOCKET"], forwarded_allow_ips="*"))


uvicorn.run = run_on_socket
sys.argv = ["main.py"]
sys.path.insert(0, ".")
runpy.run_path("main.py", run_name="__main__")
