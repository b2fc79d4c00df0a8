# Written by 'debonair init'. You can edit it. It runs main.py, and NiceGUI listens on the Pi's socket.
import os
import runpy
import sys

os.environ.setdefault("NICEGUI_STORAGE_PATH", os.path.join(os.environ["STATE_DIRECTORY"], "nicegui"))

from nicegui import ui

# These options of ui.run() would open a window or a browser, or would watch the code.
LEFT_OUT = ("native", "window_size", "fullscreen", "frameless", "host", "port", "on_air")
run = ui.run


def run_on_socket(*args, **options):
    kept = {name: value for name, value in options.items() if name not in LEFT_OUT}
    kept.update(uds=os.environ["SOCKET"], forwarded_allow_ips="*", reload=False, show=False)
    kept.setdefault("timeout_graceful_shutdown", 5)  # a stop does not wait for open pages
    kept["host"] = "localhost"  # otherwise, NiceGUI asks for network interfaces, which the sandbox hides
    run(*args, **kept)


ui.run = run_on_socket
sys.argv = ["main.py"]
sys.path.insert(0, ".")
runpy.run_path("main.py", run_name="__main__")
