# Written by 'debonair init'. You can edit it. It runs app.py, and Gradio listens on the Pi's socket.
import inspect
import os
import runpy
import sys

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import gradio
import uvicorn
from fastapi import FastAPI

LAUNCH = inspect.signature(gradio.Blocks.launch)
MOUNT = inspect.signature(gradio.mount_gradio_app)


def launch_on_socket(*args, **options):
    given = LAUNCH.bind(*args, **options).arguments
    demo = given.pop("self")
    for name in ("server_name", "server_port"):
        given.pop(name, None)
    kept = {name: value for name, value in given.items() if name in MOUNT.parameters}
    if lost := {"auth", "auth_dependency", "blocked_paths"} & (given.keys() - kept.keys()):
        sys.exit(f"This Gradio cannot serve launch({', '.join(lost)}=...) on a socket. Require a newer one.")
    app = gradio.mount_gradio_app(FastAPI(), demo, path="/", **kept)
    # Each open page holds a stream, so a stop does not wait for their ends.
    uvicorn.run(app, uds=os.environ["SOCKET"], forwarded_allow_ips="*", timeout_graceful_shutdown=5)


gradio.Blocks.launch = launch_on_socket
sys.argv = ["app.py"]
sys.path.insert(0, ".")
runpy.run_path("app.py", run_name="__main__")
