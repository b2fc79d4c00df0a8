"""The same app behind a web server of its own, which believes what it is told."""

from __future__ import annotations

import os
from importlib import import_module
from socket import AF_UNIX
from socketserver import TCPServer, ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer


class Server(ThreadingMixIn, WSGIServer):
    address_family = AF_UNIX
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self) -> None:
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", 80
        self.setup_environ()


class Visit(WSGIRequestHandler):
    def address_string(self) -> str:
        return "nginx"

    def get_environ(self) -> dict[str, str]:
        self.client_address = ("nginx", 0)
        return super().get_environ()

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    server = Server(os.environ["SOCKET"], Visit)  # type: ignore[arg-type]
    server.set_app(import_module("app").app)
    server.serve_forever()
