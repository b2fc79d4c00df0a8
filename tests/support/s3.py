"""An S3 of the test's own on the loopback, which checks the writer, and whose connections can be cut."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import boto3  # type: ignore[import-untyped]
from moto import settings
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

_OPEN, _CLOSED = float("inf"), 0.0
_ALL = ("GetObject", "ListBucket", "PutObject", "DeleteObject")
READER = ("GetObject", "ListBucket")
_LISTEN = """
import socket, sys
door = socket.create_server(("127.0.0.1", int(sys.argv[1])))
socket.send_fds(socket.socket(fileno=0), [b"."], [door.fileno()])
"""


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Log nothing."""


@dataclass
class S3:
    """The settings of a server, and its requests."""

    server: BaseWSGIServer
    asked: list[str] = field(default_factory=list)
    """``METHOD path``, of each request."""
    private: bool = False
    """If true, a request needs the signature of a permitted user, except a GET without a name."""
    lose: Callable[[str], bool] = lambda _: False
    """A function that returns whether to lose the answer to a request, after carrying it out."""

    clients: dict[str, Any] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    def client(self, service: str) -> Any:
        """Return the client that administers the server; only one exists, as it reads the environment."""
        if service not in self.clients:
            self.clients[service] = boto3.client(
                service,
                endpoint_url=self.url,
                region_name="us-east-1",
                aws_access_key_id="any",
                aws_secret_access_key="any",
            )
        return self.clients[service]

    def environment(self, key: tuple[str, str] = ("any", "any"), url: str = "") -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": url or self.url,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": key[0],
            "AWS_SECRET_ACCESS_KEY": key[1],
        }

    @contextmanager
    def within(self, network: Sequence[str], port: int) -> Iterator[None]:
        """Answer also on ``port`` of another loopback, which the programs of ``network`` have."""
        with _door(network, port) as door, _running(self.server.app, door):
            yield

    def bucket(self, name: str, *, public: bool = True) -> None:
        """Create a bucket; if it is ``public``, anybody may read it."""
        s3 = self.client("s3")
        s3.create_bucket(Bucket=name)
        if not public:
            return
        everything = f"arn:aws:s3:::{name}/*"
        may = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": everything}
        document = json.dumps({"Version": "2012-10-17", "Statement": [may]})
        s3.put_bucket_policy(Bucket=name, Policy=document)

    def user(self, name: str, actions: Iterable[str] = _ALL) -> tuple[str, str]:
        """Create a user who may do ``actions``; return key and secret."""
        private, self.private = self.private, False  # the administrator has no account
        iam = self.client("iam")
        iam.create_user(UserName=name)
        may = {"Effect": "Allow", "Action": [f"s3:{each}" for each in actions], "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [may]})
        iam.put_user_policy(UserName=name, PolicyName="may", PolicyDocument=document)
        made = iam.create_access_key(UserName=name)["AccessKey"]
        self.private = private
        return made["AccessKeyId"], made["SecretAccessKey"]

    def objects(self, bucket: str) -> dict[str, str]:
        """Return name and ETag of all objects."""
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return {each["Key"]: each["ETag"] for page in pages for each in page.get("Contents", ())}


@contextmanager
def serving() -> Iterator[S3]:
    """Serve S3 and IAM on the loopback."""
    application = DomainDispatcherApplication(create_backend_app)
    alone = threading.Lock()

    def answer(environ: dict[str, Any], start: Any) -> Any:
        line = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
        s3.asked.append(line)
        reads = environ["REQUEST_METHOD"] in {"GET", "HEAD"} and "HTTP_AUTHORIZATION" not in environ
        with alone:  # S3 carries out a conditional write as one step; a server in Python needs a lock
            settings.INITIAL_NO_AUTH_ACTION_COUNT = _CLOSED if s3.private and not reads else _OPEN
            try:
                body = b"".join(application(environ, start))
            finally:
                settings.INITIAL_NO_AUTH_ACTION_COUNT = _OPEN
        if s3.lose(line):
            with suppress(OSError):
                environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        return [body]

    with socket.create_server(("127.0.0.1", 0)) as door, _running(answer, door) as server:
        s3 = S3(server)
        yield s3


@contextmanager
def _running(application: Any, door: socket.socket) -> Iterator[BaseWSGIServer]:
    """Answer clients of ``door``, a listening socket, with ``application``."""
    host, port = door.getsockname()
    server = make_server(host, port, application, threaded=True, request_handler=_Quiet, fd=door.fileno())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _door(network: Sequence[str], port: int) -> socket.socket:
    """Return a socket that listens on ``port`` of the loopback of a program which ``network`` runs."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        argv = [*network, sys.executable, "-c", _LISTEN, str(port)]
        subprocess.run(argv, stdin=theirs.fileno(), check=True)
        _, (number,), _, _ = socket.recv_fds(ours, 1, 1)
    return socket.socket(fileno=number)
