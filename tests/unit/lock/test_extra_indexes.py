from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from debonair import target
from debonair.errors import LockError, MachineError
from debonair.lock import Lock, extra_indexes, pylock
from debonair.lock.model import File, Locked
from debonair.wheels.select import select

ARM64, ARMV6, ARMV7 = (target.load(f"trixie-{cpu}") for cpu in ("arm64", "armv6", "armv7"))
NOTHING = {"PIP_CONFIG_FILE": "/dev/null"}  # pip is configured nowhere
HOME = "https://www.piwheels.org/simple"
A, B, C = "a" * 64, "b" * 64, "c" * 64


def wheel(
    name: str, tag: str, sha256: str = A, *, host: str = "https://index.example", at: str = ""
) -> File:
    filename = f"{name}-1.0-{tag}.whl"
    return File(filename, sha256, f"{host}/{filename}", index=at)


def sdist(name: str) -> File:
    return File(f"{name}-1.0.tar.gz", C, f"https://index.example/{name}-1.0.tar.gz")


NUMPY = Locked(
    "numpy",
    "1.0",
    wheels=(
        wheel("numpy", "cp313-cp313-manylinux_2_27_aarch64"),
        wheel("numpy", "cp313-cp313-manylinux_2_27_x86_64"),
    ),
    sdist=sdist("numpy"),
)
ABI3 = Locked("abi3", "1.0", wheels=(wheel("abi3", "cp311-abi3-manylinux_2_31_armv7l"),))
PURE = Locked("pure", "1.0", wheels=(wheel("pure", "py3-none-any"),), sdist=sdist("pure"))
GPIO = Locked("rpi-gpio", "1.0", sdist=sdist("rpi_gpio"))


def text_of(*packages: Locked, archive: bool = False) -> bytes:
    """A pylock.toml of ``packages`` as uv writes it."""

    def table(file: File) -> str:
        return f'{{ url = "{file.url}", size = 7, hashes = {{ sha256 = "{file.sha256}" }} }}'

    text = '# made by uv\nlock-version = "1.0"\ncreated-by = "uv"\nrequires-python = ">=3.11"\n'
    for package in packages:
        text += f'\n[[packages]]\nname = "{package.name}"\nversion = "{package.version}"\n'
        text += f"marker = {json.dumps(package.marker)}\n" if package.marker else ""
        if archive:
            text += f"archive = {table(package.files[0])}\n"
            continue
        text += f"sdist = {table(package.sdist)}\n" if package.sdist else ""
        tables = [table(file) for file in package.wheels]
        if len(tables) == 1:
            text += f"wheels = [{tables[0]}]\n"
        elif tables:
            text += "wheels = [\n" + "".join(f"    {one},\n" for one in tables) + "]\n"
    return text.encode()


def html_of(*links: str) -> bytes:
    return f"<!DOCTYPE html><html><body>{'<br>'.join(links)}</body></html>".encode()


def link(filename: str, sha256: str = B, more: str = "") -> str:
    return f'<a href="{filename}#sha256={sha256}" {more}>{filename}</a>'


def renamed(name: str, version: str = "1.0", python: str = "cp313") -> list[str]:
    """The two links that piwheels has for one file."""
    return [
        link(f"{name}-{version}-{python}-{python}-linux_{machine}.whl") for machine in ("armv6l", "armv7l")
    ]


class Index:
    """Answers with its ``pages``, by their address; what it was asked is noted."""

    def __init__(self, pages: Mapping[str, bytes | Exception] = {}, *, base: str = HOME) -> None:
        self.pages = {f"{base}/{name}/": page for name, page in pages.items()}
        self.asked: list[str] = []

    @contextmanager
    def get(self, url: str) -> Iterator[Iterable[bytes]]:
        self.asked.append(url)
        page = self.pages.get(url) or answered(404)
        if isinstance(page, Exception):
            raise page
        yield iter([page[:5], page[5:]])


def answered(status: int) -> requests.HTTPError:
    response = requests.Response()
    response.status_code, response.reason, response.url = status, "No", HOME
    return requests.HTTPError(response=response)


def complete(
    index: Index,
    *packages: Locked,
    on: Iterable[target.Target] = (ARMV7, ARM64),
    path: Path = Path("/nowhere/app/pylock.toml"),
    environ: Mapping[str, str] = NOTHING,
) -> tuple[Locked, ...]:
    """The packages of the lock that comes of it, written and read again."""
    environ = {**NOTHING, **environ}
    data, origins = extra_indexes.complete(text_of(*packages), path, list(on), environ, index.get)
    data = pylock.recorded(data, pylock.Record(("numpy",), "3.13", origins))
    return pylock.read(data, path).packages


def names(package: Locked) -> list[str]:
    return sorted(file.filename for file in package.wheels if file.index)


def chosen(packages: tuple[Locked, ...], on: target.Target) -> list[File]:
    lock = Lock(packages, Path("/nowhere/pylock.toml"), "pylock.toml", "d" * 64)
    return [choice.file for choice in select(lock, on)]


class TestComplete:
    def test_what_has_no_wheel_gets_one(self, capsys: pytest.CaptureFixture[str]) -> None:
        index = Index({"numpy": html_of(*renamed("numpy")), "rpi-gpio": html_of(*renamed("RPi.GPIO"))})
        found = complete(index, NUMPY, PURE, ABI3, GPIO)
        assert sorted(index.asked) == [f"{HOME}/numpy/", f"{HOME}/rpi-gpio/"]
        assert capsys.readouterr().err == (
            "www.piwheels.org provides wheels of numpy 1.0, rpi-gpio 1.0 for targets that had no wheel.\n"
        )
        numpy, pure, abi3, gpio = found
        assert numpy.sdist == File("numpy-1.0.tar.gz", C, "https://index.example/numpy-1.0.tar.gz", 7)
        assert [file for file in numpy.wheels if file.index] == [
            File(name, B, f"{HOME}/numpy/{name}", index=HOME)
            for name in ("numpy-1.0-cp313-cp313-linux_armv6l.whl", "numpy-1.0-cp313-cp313-linux_armv7l.whl")
        ]
        assert [file.filename for file in numpy.wheels if not file.index] == [
            file.filename for file in NUMPY.wheels
        ]
        assert (names(pure), names(abi3)) == ([], [])
        assert len(names(gpio)) == 2
        assert [file.filename for file in chosen(found, ARMV7)] == [
            "abi3-1.0-cp311-abi3-manylinux_2_31_armv7l.whl",
            "numpy-1.0-cp313-cp313-linux_armv7l.whl",
            "pure-1.0-py3-none-any.whl",
            "RPi.GPIO-1.0-cp313-cp313-linux_armv7l.whl",
        ]

    def test_the_lock_says_what_came_from_where(self) -> None:
        index = Index({"numpy": html_of(*renamed("numpy"))})
        data, origins = extra_indexes.complete(
            text_of(NUMPY), Path("/nowhere/pylock.toml"), [ARMV6], NOTHING, index.get
        )
        table = tomllib.loads(pylock.recorded(data, pylock.Record((), "3.13", origins)).decode())
        assert table["tool"]["debonair"]["extra-indexes"] == {
            HOME: ["numpy-1.0-cp313-cp313-linux_armv6l.whl"]
        }
        (numpy,) = table["packages"]
        assert numpy["wheels"][0] == {
            "url": f"{HOME}/numpy/numpy-1.0-cp313-cp313-linux_armv6l.whl",
            "hashes": {"sha256": B},
        }
        assert len(numpy["wheels"]) == 3

    def test_nobody_is_asked_without_need(self, capsys: pytest.CaptureFixture[str]) -> None:
        index = Index()
        packages = [
            PURE,
            ABI3,
            Locked("away", "1.0", "sys_platform == 'win32'", sdist=sdist("away")),
        ]
        assert [names(package) for package in complete(index, *packages)] == [[], [], []]
        complete(index, NUMPY, on=[ARM64])
        assert index.asked == []
        assert capsys.readouterr().err == ""

    @pytest.mark.parametrize(
        "links",
        [
            renamed("numpy", "1.1"),
            renamed("other"),
            renamed("numpy", python="cp312"),
            [link("numpy-1.0-py3-none-any.whl"), link("numpy-1.0.tar.gz"), link("numpy.whl")],
            [link("numpy-1.0-cp313-cp313-linux_aarch64.whl")],
            ['<a href="numpy-1.0-cp313-cp313-linux_armv7l.whl">no hash</a>'],
            [link("numpy-1.0-cp313-cp313-linux_armv7l.whl", "00")],
            [link("numpy-1.0-cp313-cp313-linux_armv7l.whl", more="data-yanked")],
            [link("numpy-1.0-cp313-cp313-linux_armv7l.a%2Fb.whl")],
            [link("file:///numpy-1.0-cp313-cp313-linux_armv7l.whl")],
            ["<a>nothing</a>", '<img href="numpy-1.0-cp313-cp313-linux_armv7l.whl#sha256=00">'],
        ],
    )
    def test_nothing_else_is_taken(self, links: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        (numpy,) = complete(Index({"numpy": html_of(*links)}), NUMPY)
        assert names(numpy) == []
        assert capsys.readouterr().err == ""

    @pytest.mark.parametrize("status", [404, 410])
    def test_an_index_that_does_not_know_it(self, status: int, capsys: pytest.CaptureFixture[str]) -> None:
        pages: dict[str, bytes | Exception] = {
            "numpy": answered(status),
            "rpi-gpio": html_of(*renamed("RPi.GPIO")),
        }
        numpy, gpio = complete(Index(pages), NUMPY, GPIO)
        assert (len(names(numpy)), len(names(gpio))) == (0, 2)
        assert "www.piwheels.org provides wheels of rpi-gpio 1.0 " in capsys.readouterr().err

    def test_an_index_in_json(self) -> None:
        def file(machine: str, **more: Any) -> dict[str, Any]:
            name = f"numpy-1.0-cp313-cp313-linux_{machine}.whl"
            return {"filename": name, "url": "../../files/7", "hashes": {"sha256": B}, **more}

        page = {"files": [file("armv6l", yanked="broken"), file("armv7l", size=9, yanked=False)]}
        (numpy,) = complete(Index({"numpy": json.dumps(page).encode()}), NUMPY)
        name = "numpy-1.0-cp313-cp313-linux_armv7l.whl"
        assert [file for file in numpy.wheels if file.index] == [
            File(name, B, "https://www.piwheels.org/files/7", 9, HOME)
        ]

    def test_a_package_locked_twice_is_asked_for_once(self) -> None:
        index = Index({"numpy": html_of(*renamed("numpy"), *renamed("numpy", "0.9", "cp311"))})
        old = Locked(
            "numpy",
            "0.9",
            "python_version < '3.12'",
            sdist=File("numpy-0.9.tar.gz", C, "https://i.example/x"),
        )
        new = Locked("numpy", "1.0", "python_version >= '3.12'", sdist=sdist("numpy"))
        first, last = complete(index, old, new, on=[ARMV7, target.load("bookworm-armv7")])
        assert index.asked == [f"{HOME}/numpy/"]
        assert (len(names(first)), len(names(last))) == (2, 2)

    @pytest.mark.parametrize(
        ("url", "environ"),
        [
            ("https://pypi.acme.example/numpy.whl", {"PIP_EXTRA_INDEX_URL": "https://pypi.acme.example/s"}),
            ("https://pypi.acme.example/numpy.whl", {"UV_INDEX": "acme=https://me@pypi.acme.example/s"}),
            ("file:///srv/wheels/numpy.whl", {}),
        ],
    )
    def test_what_is_private_is_not_asked_for(self, url: str, environ: dict[str, str]) -> None:
        index = Index({"numpy": html_of(*renamed("numpy"))})
        own = Locked("numpy", "1.0", sdist=File("numpy-1.0.tar.gz", C, url))
        complete(index, own, environ=environ)
        assert index.asked == []

    def test_what_was_named_by_its_address_is_not_asked_for(self) -> None:
        index = Index({"numpy": html_of(*renamed("numpy"))})
        path = Path("/nowhere/pylock.toml")
        data = text_of(NUMPY, archive=True)
        assert extra_indexes.complete(data, path, [ARMV7], NOTHING, index.get) == (data, {})
        assert index.asked == []

    def test_what_has_no_hash_is_no_lock(self) -> None:
        data = text_of() + b'\n[[packages]]\nname = "x"\nvcs = { type = "git" }\n'
        with pytest.raises(LockError, match="locked to a repository"):
            extra_indexes.complete(data, Path("/nowhere/pylock.toml"), [ARMV7], NOTHING, Index().get)


class TestWithoutAccess:
    @pytest.mark.parametrize(
        ("page", "why"),
        [
            (requests.ConnectionError(request=requests.Request("GET", HOME)), "www.piwheels.org cannot be"),
            (requests.ReadTimeout(request=requests.Request("GET", HOME)), "did not answer in time"),
            (ConnectionResetError("broke off"), "broke off"),
            (answered(503), "www.piwheels.org answered 503 No"),
            (b"{", "Input data was truncated"),
        ],
    )
    def test_is_said_and_no_more(
        self, page: Exception | bytes, why: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        index = Index({"numpy": page, "rpi-gpio": html_of(*renamed("RPi.GPIO"))})
        assert [names(package) for package in complete(index, NUMPY, GPIO)] == [[], []]
        (message,) = capsys.readouterr().err.splitlines()
        assert message.startswith("www.piwheels.org could not be queried")
        assert why in message
        assert message.endswith("); some targets have no wheel of numpy 1.0, rpi-gpio 1.0.")

    def test_no_more_is_asked_after_a_failure(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(extra_indexes, "_AT_ONCE", 1)
        many = [Locked(f"p{number}", "1.0", sdist=sdist(f"p{number}")) for number in range(50)]
        index = Index({package.name: OSError("no route") for package in many})
        complete(index, *many)
        assert len(index.asked) < 50

    def test_what_was_locked_stays(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = tmp_path / "pylock.toml"
        path.write_bytes(self.before())
        down = Index({"numpy": OSError("no route"), "rpi-gpio": OSError("no route")})
        numpy, gpio = complete(down, NUMPY, GPIO, path=path)
        assert [(file.filename, file.sha256, file.index) for file in numpy.wheels if file.index] == [
            ("numpy-1.0-cp313-cp313-linux_armv7l.whl", B, HOME)
        ]
        assert names(gpio) == []
        assert capsys.readouterr().err == (
            "www.piwheels.org could not be queried (no route); the lock keeps its files from there: "
            "numpy 1.0; some targets have no wheel of rpi-gpio 1.0.\n"
        )

    def test_but_not_for_another_version(self, tmp_path: Path) -> None:
        path = tmp_path / "pylock.toml"
        path.write_bytes(self.before())
        newer = Locked("numpy", "2.0", sdist=File("numpy-2.0.tar.gz", C, "https://index.example/x"))
        (numpy,) = complete(Index({"numpy": OSError("no route")}), newer, path=path)
        assert names(numpy) == []

    @pytest.mark.parametrize("before", [b"<<<<<<<", None])
    def test_nothing_stays_of_a_lock_that_is_none(self, tmp_path: Path, before: bytes | None) -> None:
        if before:
            (tmp_path / "pylock.toml").write_bytes(before)
        (numpy,) = complete(Index({"numpy": OSError("no route")}), NUMPY, path=tmp_path / "pylock.toml")
        assert names(numpy) == []

    @staticmethod
    def before() -> bytes:
        """A lock with a wheel of piwheels."""
        file = wheel("numpy", "cp313-cp313-linux_armv7l", B, host=f"{HOME}/numpy")
        data = pylock.extended(text_of(NUMPY), [[file]])
        return pylock.recorded(data, pylock.Record(("numpy",), "3.13", {HOME: (file.filename,)}))


class TestVariable:
    @pytest.mark.parametrize("value", ["off", "0", "No", "FALSE"])
    def test_off(self, value: str, capsys: pytest.CaptureFixture[str]) -> None:
        index = Index({"numpy": html_of(*renamed("numpy"))})
        (numpy,) = complete(index, NUMPY, environ={"DEBONAIR_PIWHEELS": value})
        assert (names(numpy), index.asked) == ([], [])
        assert capsys.readouterr().err == (
            f"www.piwheels.org is not queried, because DEBONAIR_PIWHEELS is '{value}'; "
            "some targets have no wheel of numpy 1.0.\n"
        )

    def test_another_address(self) -> None:
        index = Index({"numpy": html_of(*renamed("numpy"))}, base="https://mirror.example/pi")
        (numpy,) = complete(index, NUMPY, environ={"DEBONAIR_PIWHEELS": "https://mirror.example/pi/"})
        assert {file.index for file in numpy.wheels} == {"", "https://mirror.example/pi"}

    def test_neither(self) -> None:
        with pytest.raises(MachineError, match="DEBONAIR_PIWHEELS is 'maybe'") as wrong:
            complete(Index(), NUMPY, environ={"DEBONAIR_PIWHEELS": "maybe"})
        assert f"DEBONAIR_PIWHEELS={HOME}" in wrong.value.hint

    def test_empty_is_not_said(self) -> None:
        index = Index({"numpy": html_of(*renamed("numpy"))})
        complete(index, NUMPY, environ={"DEBONAIR_PIWHEELS": ""})
        assert index.asked == [f"{HOME}/numpy/"]


class TestSelect:
    def test_the_primary_index_comes_first(self) -> None:
        """Even where the tag of a file from elsewhere is the more specific."""
        other = wheel("abi3", "cp313-cp313-linux_armv6l", B, at=HOME)
        package = Locked("abi3", "1.0", wheels=(other, *ABI3.wheels))
        assert chosen((package,), ARMV7) == [ABI3.wheels[0]]
        assert chosen((package,), ARMV6) == [other]

    def test_an_sdist_is_built_for_others_as_before(self) -> None:
        package = Locked(
            "gpio", "1.0", wheels=(wheel("gpio", "cp313-cp313-linux_armv7l", at=HOME),), sdist=sdist("gpio")
        )
        assert chosen((package,), ARM64) == [package.sdist]
        assert chosen((package,), ARMV7) == [package.wheels[0]]


def test_the_way_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who cannot reach the index does not wait for it, and JSON is preferred."""
    seen: list[Any] = []

    def send(adapter: Any, request: requests.PreparedRequest, **given: Any) -> requests.Response:
        seen.append((request, given["timeout"], adapter.max_retries.total, adapter.max_retries.connect))
        raise requests.ConnectionError(request=request)

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
    path = Path("/nowhere/pylock.toml")
    assert extra_indexes.complete(text_of(NUMPY), path, [ARMV7], NOTHING) == (text_of(NUMPY), {})
    ((request, timeout, retries, connect),) = seen
    assert request.headers["Accept"].startswith("application/vnd.pypi.simple.v1+json, ")
    assert (timeout, retries, connect) == (3.0, 0, 0)
