# Written by 'debonair init'. You can edit it. It runs server.py, and its server listens on the Pi's socket.
import os
import runpy
import socket
import socketserver
import sys
from http import server


def bind_to_socket(self):
    self.socket.bind(os.environ["SOCKET"])
    self.server_name, self.server_port = "localhost", 80


def get_request(self):
    # A socket has no address for each client. nginx sends the client's in X-Forwarded-For.
    return self.socket.accept()[0], ("nginx", 0)


socketserver.TCPServer.address_family = socket.AF_UNIX
socketserver.TCPServer.server_bind = server.HTTPServer.server_bind = bind_to_socket
socketserver.TCPServer.get_request = get_request
sys.argv = ["server.py"]
sys.path.insert(0, ".")
runpy.run_path("server.py", run_name="__main__")
