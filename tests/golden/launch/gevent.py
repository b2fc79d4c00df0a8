# Written by 'debonair init'. You can edit it. It runs main.py, and gevent listens on the Pi's socket.
import os
import runpy
import sys

from gevent import pywsgi, socket

initialise = pywsgi.WSGIServer.__init__


def initialise_on_socket(server, listener, *args, **options):
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(os.environ["SOCKET"])
    listening.listen(256)
    initialise(server, listening, *args, **options)


pywsgi.WSGIServer.__init__ = initialise_on_socket
sys.argv = ["main.py"]
sys.path.insert(0, ".")
runpy.run_path("main.py", run_name="__main__")
