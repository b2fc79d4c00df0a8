"""A publisher who types commands, and an attacker who can write to the storage but has no key."""

from __future__ import annotations

import hashlib
import json
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from click.testing import CliRunner
from debs import make_deb
from publisher import repo
from s3 import S3

from debonair.cli import main as cli

BUCKET = "fleet"
HEAD = "state/head.json"


class Writer(Protocol):
    """Everything that write access to a storage allows, with any path that the storage accepts."""

    address: str
    """The address that the publisher types."""
    uri: str
    """The address that apt reads."""

    def read(self, path: str) -> bytes:
        """Return a file."""

    def write(self, path: str, data: bytes) -> None:
        """Write a file there, over any existing one."""

    def names(self) -> list[str]:
        """Return all paths."""

    def remove(self, path: str) -> None:
        """Remove a file."""


class FolderWriter:
    """An attacker with an account that may write to the folder."""

    def __init__(self, root: Path, address: str) -> None:
        self.root, self.address = root, address
        self.uri = f"copy:{root}"

    def read(self, path: str) -> bytes:
        return (self.root / path).read_bytes()

    def write(self, path: str, data: bytes) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_bytes(data)

    def names(self) -> list[str]:
        return sorted(
            str(path.relative_to(self.root))
            for path in self.root.rglob("*")
            if path.is_file() and path.name != ".lock"
        )

    def remove(self, path: str) -> None:
        (self.root / path).unlink()


class BucketWriter:
    """An attacker with credentials of the bucket."""

    def __init__(self, s3: S3) -> None:
        self.s3 = s3.client("s3")
        self.objects = s3.objects
        self.address = f"s3://{BUCKET}/apt"
        self.uri = f"{s3.url}/{BUCKET}/apt"

    def read(self, path: str) -> bytes:
        data: bytes = self.s3.get_object(Bucket=BUCKET, Key=f"apt/{path}")["Body"].read()
        return data

    def write(self, path: str, data: bytes) -> None:
        self.s3.put_object(Bucket=BUCKET, Key=f"apt/{path}", Body=data)

    def names(self) -> list[str]:
        return sorted(name.removeprefix("apt/") for name in self.objects(BUCKET))

    def remove(self, path: str) -> None:
        self.s3.delete_object(Bucket=BUCKET, Key=f"apt/{path}")


class Publisher:
    """Types ``debonair repo``, and keeps the keys."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = ""
        self.code = 0
        """The exit status of the last command that should be ``refused``."""

    def begin(self, name: str, address: str, *words: str) -> Publisher:
        """Create a repository that offers ``hello`` 1.0."""
        self.address = address
        repo("init", address, "--name", name, "--url", f"https://{name}.example.org", *words)
        self.add("1.0")
        return self

    def deb(self, version: str, package: str = "hello", **files: str) -> Path:
        named = {f"usr/share/{package}/{name}": text for name, text in files.items()}
        return make_deb(self.folder / "debs", package, f"{version}-1+deb13", files=named or None)

    def add(self, version: str, *words: str) -> str:
        return self.repo("add", self.deb(version), *words)

    def repo(self, *words: str | Path, code: int = 0) -> str:
        return repo(*words, "--repository", self.address, code=code)

    def refused(self, *words: str | Path) -> str:
        """Type a command that must be refused, after the other assertions; return the sentence."""
        done = CliRunner().invoke(cli.main, ["repo", *map(str, words), "--repository", self.address])
        assert "Traceback" not in done.output
        assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)
        self.code = done.exit_code
        return done.output


def snapshot(writer: Writer) -> dict[str, bytes]:
    """Return the content of the whole storage."""
    return {name: writer.read(name) for name in writer.names()}


def put_back(writer: Writer, before: dict[str, bytes]) -> None:
    """Restore the storage to its state ``before``."""
    for name in set(writer.names()) - set(before):
        writer.remove(name)
    for name, data in before.items():
        writer.write(name, data)


def edit_head(writer: Writer, edit: Callable[[dict[str, Any]], None]) -> None:
    """Change the content of the head, as far as that is possible without a key."""
    document = json.loads(writer.read(HEAD))
    if "signed" in document:
        inner = json.loads(document["signed"])
        edit(inner)
        document["signed"] = json.dumps(inner)
    else:
        edit(document)
    writer.write(HEAD, json.dumps(document).encode())


def edit_suite(writer: Writer, name: str, edit: Callable[[dict[str, Any]], None]) -> None:
    """Change the document of a suite, and make the head name the new one."""

    def renamed(head: dict[str, Any]) -> None:
        digest = head["suites"][name]["document"]
        suite = json.loads(writer.read(f"state/objects/{digest[:2]}/{digest}"))
        edit(suite)
        data = json.dumps(suite).encode()
        digest = hashlib.sha256(data).hexdigest()
        writer.write(f"state/objects/{digest[:2]}/{digest}", data)
        head["suites"][name]["document"] = digest

    edit_head(writer, renamed)


def facts_of(writer: Writer, package: str) -> list[str]:
    """Return where the storage keeps the index data of ``package``."""
    return [
        name
        for name in writer.names()
        if name.startswith("state/")
        and b'"stanza"' in (data := writer.read(name))
        and json.loads(data).get("package") == package
    ]


def quoted(path: str) -> str:
    return urllib.parse.quote(path)
