# Written by 'debonair init'. You can edit it. It runs main.py, and Tornado listens on the Pi's socket.
import os
import runpy
import sys

from tornado import netutil, tcpserver


def listen_on_socket(server, *args, **options):
    server.xheaders = True  # only nginx can connect, and it sends the client's address
    server.add_socket(netutil.bind_unix_socket(os.environ["SOCKET"], mode=0o660))


tcpserver.TCPServer.listen = tcpserver.TCPServer.bind = listen_on_socket
tcpserver.TCPServer.start = lambda server, *args, **options: None  # one process
sys.argv = ["main.py"]
sys.path.insert(0, ".")
runpy.run_path("main.py", run_name="__main__")
