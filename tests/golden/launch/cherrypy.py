# Written by 'debonair init'. You can edit it. It runs tut01.py, and CherryPy listens on the Pi's socket.
import os
import runpy
import sys

import cherrypy

cherrypy.config.update({"environment": "production", "log.screen": True, "tools.proxy.on": True})
cherrypy.server.socket_file = os.environ["SOCKET"]  # it wins over the script's socket_host and socket_port
sys.argv = ["tut01.py"]
sys.path.insert(0, ".")
runpy.run_path("tut01.py", run_name="__main__")
