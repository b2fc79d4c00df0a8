from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from compiler import compile_here
from elfmaker import make_elf
from samples import sample_project, sample_service
from wheelmaker import make_wheel

from debonair import target
from debonair.deb.control import Control
from debonair.deb.tree import Entry
from debonair.debian.interpreter import Interpreter
from debonair.errors import PackageError, ProjectError, WheelError
from debonair.host.cache import Cache
from debonair.project import Project, settings
from debonair.target import elf
from debonair.tree import Plan, app_files, control_file, data_paths, plan
from debonair.wheels import Wheel, venv

TRIXIE = target.load("trixie-arm64")
EPOCH = 1_700_000_000
DIST = "usr/lib/guestbook/dist"
MODULES = f"{DIST}/venv/lib/python3.13/site-packages"

APP = {
    "guestbook/__init__.py": b"def create_app(): ...\n",
    "guestbook/static/style.css": b"p {}",
    "pyproject.toml": b"",
}


def make(root: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def project(tmp_path: Path, files: Mapping[str, bytes] = APP, **changes: object) -> Project:
    root = make(tmp_path / "project", files)
    values = {
        "root": root,
        "config_file": root / "pyproject.toml",
        "exclude": tuple(settings.defaults()["exclude"]),
    }
    return sample_project(**{**values, **changes})


def wheel(
    tmp_path: Path, name: str, files: Mapping[str, bytes], **more: Mapping[str, Mapping[str, str]]
) -> Wheel:
    path = make_wheel(tmp_path / "wheels", name, "1.0", files, **more)  # type: ignore[arg-type]
    return Wheel(name, "1.0", path.name, hashlib.sha256(path.read_bytes()).hexdigest(), path)


def staged(
    tmp_path: Path,
    given: Project,
    *wheels: Wheel,
    interpreter: Interpreter | None = None,
    epoch: int = EPOCH,
) -> Plan:
    return plan(
        given, TRIXIE, wheels, interpreter, cache=Cache(tmp_path / "cache"), environ={}, epoch=epoch
    )


def entries(plan: Plan) -> dict[str, Entry]:
    return {entry.path: entry for entry in plan.tree.entries}


def test_a_web_application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flask = wheel(tmp_path, "flask", {"flask/__init__.py": b"x = 1\n"})
    plan = staged(tmp_path, project(tmp_path), flask, interpreter=compile_here(monkeypatch))
    names = ["directories", "flask 1.0", "Debonair's programs", "the app", "Debonair"]
    assert [layer.name for layer in plan.tree.layers] == names
    found = entries(plan)
    for path in (
        f"{MODULES}/flask/__init__.py",
        f"{MODULES}/flask/__pycache__/__init__.cpython-313.pyc",
        f"{DIST}/app/guestbook/__init__.py",
        f"{DIST}/app/guestbook/__pycache__/__init__.cpython-313.pyc",
        f"{DIST}/app/guestbook/static/style.css",
        f"{DIST}/venv/pyvenv.cfg",
        f"{DIST}/vassals/web.ini",
        "usr/lib/systemd/system/guestbook.service",
        "usr/share/doc/guestbook/copyright",
    ):
        assert found[path].kind == "file", path
    assert "usr/lib/guestbook/current" not in found  # it leads to a release, which is made on the Pi
    assert f"{DIST}/app/pyproject.toml" not in found
    assert (plan.control.package, plan.control.version) == ("guestbook", "1.4.2-1+deb13")
    assert {"postinst", "prerm", "postrm"} <= set(plan.members)
    assert plan.epoch == EPOCH


def test_two_wheels_with_the_same_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wheels = [
        wheel(
            tmp_path,
            name,
            {
                f"{name}.py": b"",
                "tests/__init__.py": name.encode(),
                f"{name}-1.0.data/scripts/run": b"#!/bin/sh",
            },
        )
        for name in ("a", "b", "c")
    ]
    found = staged(tmp_path, project(tmp_path), *wheels, interpreter=compile_here(monkeypatch))
    paths = [entry.path for entry in found.tree.entries]
    assert len(paths) == len(set(paths))
    owners = {entry.path: layer.name for layer in found.tree.layers for entry in layer.entries}
    assert {owners[f"{MODULES}/tests/__init__.py"], owners[f"{DIST}/venv/bin/run"]} == {"c 1.0"}
    assert owners[f"{MODULES}/tests/__pycache__/__init__.cpython-313.pyc"] == "c 1.0"
    assert [owners[f"{MODULES}/{name}.py"] for name in "abc"] == ["a 1.0", "b 1.0", "c 1.0"]
    assert entries(found)[f"{MODULES}/tests/__init__.py"].md5 == hashlib.md5(b"c").hexdigest()
    stderr = capsys.readouterr().err
    for loser in ("a", "b"):
        assert (
            f"{loser} 1.0 and c 1.0 both contain bin/run and 1 more. The deb for trixie-arm64 has the "
            "files of c 1.0, as pip would install them.\n"
        ) in stderr
    assert stderr.count("both contain") == 2
    again = staged(tmp_path, project(tmp_path), *wheels, interpreter=compile_here(monkeypatch))
    assert again.tree == found.tree


def test_the_projects_own_wheel_goes_before_others(tmp_path: Path) -> None:
    given = project(tmp_path, install="wheel", wsgi="", scripts={"run": "guestbook:run"})
    own = wheel(
        tmp_path,
        "guestbook",
        {"guestbook/__init__.py": b"", "guestbook-1.0.data/scripts/run": b"#!/bin/sh"},
    )
    other = wheel(tmp_path, "zope", {"zope.py": b"", "zope-1.0.data/scripts/run": b"#!/bin/sh"})
    found = staged(tmp_path, given, other, own)
    owners = {entry.path: layer.name for layer in found.tree.layers for entry in layer.entries}
    assert owners[f"{DIST}/venv/bin/run"] == "guestbook 1.0"


def test_what_would_not_run_there_is_refused_unless_it_is_waived(tmp_path: Path) -> None:
    fast = wheel(tmp_path, "fast", {"fast/_c.so": make_elf("x86-64")})
    with pytest.raises(WheelError, match=r"fast 1\.0: /usr/lib/guestbook/dist/.*_c\.so is for EM_X86_64"):
        staged(tmp_path, project(tmp_path), fast)
    assert staged(tmp_path, project(tmp_path, waive=("Fast",)), fast).tree.size
    own = {**APP, "guestbook/_c.so": make_elf("x86-64")}
    with pytest.raises(WheelError, match=r"the app: /usr/lib/guestbook/dist/app/guestbook/_c\.so"):
        staged(tmp_path, project(tmp_path, own))


def test_the_libraries_of_compiled_files_become_dependencies(tmp_path: Path) -> None:
    library = make_elf(needed=("libstdc++.so.6", "libm.so.6", "own.so.1"))
    fast = wheel(tmp_path, "fast", {"fast/_c.so": library, "own.so.1": b""})
    assert "libstdc++6" in staged(tmp_path, project(tmp_path), fast).control.depends


@pytest.mark.parametrize("where", ["the app", "a wheel that says it is pure"])
def test_a_compiled_file_that_no_tag_speaks_of_needs_a_c_library(where: str, tmp_path: Path) -> None:
    library = make_elf(glibc=("GLIBC_2.17", "GLIBC_2.34"))
    inside = where == "the app"
    pure = wheel(tmp_path, "pure", {"pure.py": b""} if inside else {"pure/_c.so": library})
    own = {**APP, "guestbook/_c.so": library} if inside else APP
    depends = staged(tmp_path, project(tmp_path, own), pure).control.depends
    assert "libc6 (>= 2.34)" in depends


def test_the_next_release_takes_the_layers_of_its_wheels_as_they_are(tmp_path: Path) -> None:
    flask = wheel(tmp_path, "flask", {"flask/__init__.py": b"x = 1\n"})
    first = staged(tmp_path, project(tmp_path), flask)
    flask.path.write_bytes(bytes(flask.path.stat().st_size))  # it is not read again
    second = staged(tmp_path, project(tmp_path, version="2.0"), flask, epoch=EPOCH + 100)
    assert second.tree.layers[1:3] == first.tree.layers[1:3]
    assert second.tree.layers[3] != first.tree.layers[3]  # the app carries the new time
    assert second.control.version == "2.0-1+deb13"


def test_another_package_or_interpreter_has_layers_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flask = wheel(tmp_path, "flask", {"flask/__init__.py": b"x = 1\n"})
    first = staged(tmp_path, project(tmp_path), flask)
    other = staged(tmp_path, project(tmp_path, package="visitors"), flask)
    compiled = staged(tmp_path, project(tmp_path), flask, interpreter=compile_here(monkeypatch))
    blocks = {plan.tree.layers[1].block.data for plan in (first, other, compiled)}
    assert len(blocks) == 3


def test_the_same_arguments_give_the_same_plan(tmp_path: Path) -> None:
    flask = wheel(tmp_path, "flask", {"flask/__init__.py": b"x = 1\n"})
    plans = [
        plan(
            project(tmp_path), TRIXIE, [flask], None, cache=Cache(tmp_path / name), environ={}, epoch=EPOCH
        )
        for name in ("one", "two")
    ]
    assert plans[0] == plans[1]


def test_a_command_line_tool(tmp_path: Path) -> None:
    own = wheel(tmp_path, "sign", {"sign.py": b""}, entry_points={"console_scripts": {"sign": "sign:main"}})
    given = project(
        tmp_path, {}, package="sign", wsgi="", install="wheel", scripts={"sign": "sign:main"}, static={}
    )
    plan = staged(tmp_path, given, own)
    found = entries(plan)
    assert found["usr/bin/sign"].target == "../lib/sign/current/venv/bin/sign"
    assert found["usr/lib/sign/dist/venv/bin/sign"].mode == 0o755
    assert not [path for path in found if "nginx" in path or "systemd" in path or "/app/" in path]
    assert plan.members == {}
    assert plan.control.section == "utils"
    assert "nginx" not in plan.control.depends


def test_a_command_that_its_wheel_does_not_bring(tmp_path: Path) -> None:
    own = wheel(tmp_path, "sign", {"sign.py": b""})
    given = project(tmp_path, {}, wsgi="", install="wheel", scripts={"sign": "sign:main"}, static={})
    with pytest.raises(ProjectError, match=r"the command 'sign' of \[project.scripts\] is not in"):
        staged(tmp_path, given, own)


class TestRefusals:
    def test_a_callable_that_the_app_does_not_define(self, tmp_path: Path) -> None:
        with pytest.raises(ProjectError, match=r"does not define it\.") as caught:
            staged(tmp_path, project(tmp_path, wsgi="guestbook:creat_app()"))
        assert caught.value.hint == "Did you mean 'guestbook:create_app'?"

    def test_a_callable_of_the_projects_own_wheel(self, tmp_path: Path) -> None:
        own = wheel(tmp_path, "guestbook", {"guestbook/__init__.py": b"", "guestbook/static/x": b""})
        staged(tmp_path, project(tmp_path, install="wheel"), own)
        with pytest.raises(ProjectError, match="the app has no module 'visitors'"):
            staged(tmp_path, project(tmp_path, install="wheel", wsgi="visitors:app"), own)

    def test_a_callable_in_src(self, tmp_path: Path) -> None:
        files = {"src/guestbook.py": b"app = x", "guestbook.py": b"", "s/x": b""}
        staged(tmp_path, project(tmp_path, files, wsgi="guestbook:app", static={"/s/": "s"}))

    def test_static_files_that_were_excluded(self, tmp_path: Path) -> None:
        with pytest.raises(
            ProjectError, match=r"'static' serves /static/ from 'guestbook/static'"
        ) as caught:
            staged(tmp_path, project(tmp_path, exclude=("static",)))
        assert "Include it, or remove /static/ from 'static'." in caught.value.hint

    def test_static_files_that_no_command_made(self, tmp_path: Path) -> None:
        given = project(tmp_path, collect="true", exclude=("static",))
        with pytest.raises(ProjectError, match="but 'collect' does not create it, or 'include' and"):
            staged(tmp_path, given)

    def test_a_file_where_another_wheel_has_a_folder(self, tmp_path: Path) -> None:
        wheels = [wheel(tmp_path, "one", {"x": b""}), wheel(tmp_path, "two", {"x/y.py": b""})]
        with pytest.raises(PackageError, match=r"one 1\.0 has a file .* needs a directory"):
            staged(tmp_path, project(tmp_path), *wheels)

    @pytest.mark.parametrize("path", ["bin/python3", "bin/python", "bin/python3.13", "pyvenv.cfg"])
    def test_a_wheel_that_replaces_a_part_of_the_venv(self, path: str, tmp_path: Path) -> None:
        evil = wheel(tmp_path, "evil", {f"evil-1.0.data/data/{path}": b"evil"})
        with pytest.raises(PackageError, match=r"is both in evil 1\.0 and in Debonair"):
            staged(tmp_path, project(tmp_path), evil)

    @pytest.mark.parametrize("path", ["bin", "lib", "lib/python3.13"])
    def test_a_wheel_with_a_file_where_the_venv_has_a_folder(self, path: str, tmp_path: Path) -> None:
        evil = wheel(tmp_path, "evil", {"evil.py": b"", f"evil-1.0.data/data/{path}": b"evil"})
        with pytest.raises(PackageError, match=r"has a file .* needs a directory"):
            staged(tmp_path, project(tmp_path), evil)

    def test_a_wheel_that_climbs_out(self, tmp_path: Path) -> None:
        evil = wheel(tmp_path, "evil", {"../../../../../../etc/cron.d/evil": b"evil"})
        with pytest.raises(WheelError, match=r"evil-1\.0-py3-none-any\.whl has an entry"):
            staged(tmp_path, project(tmp_path), evil)


class TestVenv:
    def test_the_links_to_the_suites_python(self) -> None:
        laid = venv.skeleton("guestbook", TRIXIE, system_site_packages=False, mtime=EPOCH)
        found = {source.path: source for source in laid}
        links = {path.removeprefix(f"{DIST}/venv/bin/"): s.target for path, s in found.items() if s.target}
        assert links == {"python": "python3", "python3": "python3.13", "python3.13": "/usr/bin/python3.13"}
        assert {source.mtime for source in found.values()} == {EPOCH}

    @pytest.mark.parametrize(("sees", "text"), [(True, "true"), (False, "false")])
    def test_pyvenv_cfg(self, sees: bool, text: str) -> None:  # noqa: FBT001
        older = target.load("bookworm-armv7")
        config = venv.skeleton("guestbook", older, system_site_packages=sees, mtime=EPOCH)[0]
        assert config.path == f"{DIST}/venv/pyvenv.cfg"
        assert config.data.decode().splitlines() == [
            "home = /usr/bin",
            f"include-system-site-packages = {text}",
            "version = 3.11.2",
            "executable = /usr/bin/python3.11",
        ]


class TestControl:
    def control(self, *filenames: str, **changes: object) -> Control:
        wheels = [Wheel("x", "1", name, "", Path(name)) for name in filenames]
        return control_file.control(sample_project(**changes), TRIXIE, wheels, version="1.0-1+deb13")

    def test_a_web_application_needs_its_server(self) -> None:
        found = self.control(depends=("libcamera-tools",))
        assert found.depends == (
            "python3 (>= 3.13~)",
            "python3 (<< 3.14)",
            "nginx",
            "passwd",
            "systemd",
            "uwsgi-core",
            "uwsgi-plugin-python3 (<< 2.0.31~)",
            "libcamera-tools",
        )
        assert (found.section, found.architecture) == ("web", "arm64")
        assert "uWSGI" in found.description

    @pytest.mark.parametrize(
        "plugins", ["gevent_python3,router_static", ["router_static", "gevent_python3"]]
    )
    def test_a_plugin_needs_its_package(self, plugins: str | list[str]) -> None:
        found = self.control(uwsgi={"plugins": plugins, "gevent": 100, "threads": 1})
        assert found.depends[5:] == (
            "uwsgi-core",
            "uwsgi-plugin-gevent-python3 (<< 2.0.31~)",
            "uwsgi-plugin-python3 (<< 2.0.31~)",
        )
        assert "uwsgi-plugin-sqlite3" in self.control(uwsgi={"plugin": "sqlite3"}).depends

    @pytest.mark.parametrize("loop", ["gevent", "asyncio"])
    def test_an_event_loop_needs_its_plugin(self, loop: str) -> None:
        with pytest.raises(ProjectError, match=f"'uwsgi.{loop}' needs a plugin") as wrong:
            self.control(uwsgi={loop: 100})
        assert wrong.value.hint == f'Write it as in plugins = "{loop}_python3"'

    def test_a_vassal_of_debians_emperor_needs_that(self) -> None:
        found = self.control(emperor="system", service=sample_service())
        assert found.depends[2:] == (
            "nginx",
            "systemd",
            "uwsgi-emperor",
            "uwsgi-plugin-python3 (<< 2.0.31~)",
        )

    def test_a_tool_does_not(self) -> None:
        found = self.control(wsgi="")
        assert found.depends == ("python3 (>= 3.13~)", "python3 (<< 3.14)")
        assert found.section == "utils"
        assert "uWSGI" not in found.description

    @pytest.mark.parametrize(
        ("filenames", "libc"),
        [
            (["x-1-py3-none-any.whl"], None),
            (["x-1-cp313-cp313-manylinux_2_28_aarch64.whl"], "libc6 (>= 2.28)"),
            (["x-1-cp313-cp313-manylinux_2_17_aarch64.manylinux2014_aarch64.whl"], "libc6 (>= 2.17)"),
            (["x-1-cp313-cp313-manylinux_2_28_aarch64.manylinux2014_aarch64.whl"], "libc6 (>= 2.17)"),
            (
                ["x-1-cp313-cp313-manylinux1_x86_64.whl", "y-1-cp313-abi3-manylinux_2_34_x86_64.whl"],
                "libc6 (>= 2.34)",
            ),
            (["x-1-cp313-cp313-linux_armv7l.whl"], "libc6"),
        ],
    )
    def test_compiled_wheels_need_a_c_library(self, filenames: list[str], libc: str | None) -> None:
        found = [name for name in self.control(*filenames).depends if name.startswith("libc6")]
        assert found == ([libc] if libc else [])

    @pytest.mark.parametrize(
        ("filenames", "files", "libc"),
        [
            ([], [{"glibc": ("GLIBC_2.17", "GLIBC_2.34")}], "libc6 (>= 2.34)"),
            (
                ["x-1-py3-none-any.whl"],
                [{"glibc": ("GLIBC_2.4",)}, {"glibc": ("GLIBC_2.29",)}],
                "libc6 (>= 2.29)",
            ),
            (
                ["x-1-cp313-cp313-manylinux_2_28_aarch64.whl"],
                [{"glibc": ("GLIBC_2.17",)}],
                "libc6 (>= 2.28)",
            ),
            (
                ["x-1-cp313-cp313-manylinux_2_17_aarch64.whl"],
                [{"glibc": ("GLIBC_2.34",)}],
                "libc6 (>= 2.34)",
            ),
            ([], [{"interpreter": "/lib/ld-linux-aarch64.so.1"}], "libc6"),
            ([], [{}], None),
        ],
    )
    def test_so_do_compiled_files_of_the_apps_own(
        self, filenames: list[str], files: list[dict[str, Any]], libc: str | None
    ) -> None:
        wheels = [Wheel("x", "1", name, "", Path(name)) for name in filenames]
        compiled = [elf.read("usr/x.so", make_elf(**each)) for each in files]
        control = control_file.control(sample_project(), TRIXIE, wheels, compiled=compiled, version="1")
        found = [name for name in control.depends if name.startswith("libc6")]
        assert found == ([libc] if libc else [])

    @pytest.mark.parametrize(
        ("description", "synopsis"),
        [
            ("A guestbook to sign", "guestbook to sign"),
            ("An app", "app"),
            ("the app", "app"),
            ("Another app", "Another app"),
            ("Theatre", "Theatre"),
        ],
    )
    def test_a_synopsis_begins_without_an_article(self, description: str, synopsis: str) -> None:
        assert self.control(description=description).synopsis == synopsis

    def test_a_long_description_is_kept(self) -> None:
        long = "A guestbook to sign, " + "and more " * 20
        found = self.control(description=long[:79], long_description=long)
        assert " ".join(found.description.split()).startswith(long.strip())
        assert max(map(len, found.description.splitlines())) < 80
        assert "It runs under uWSGI" in found.description


def release_data(given: Project, tmp_path: Path, *wheels: Wheel) -> tuple[dict[str, str], dict[str, Entry]]:
    """Return the paths of a release that lead to its data, and the entries of its package."""
    files = app_files.collect(given) if given.install == "files" else ()
    found = entries(staged(tmp_path, given, *wheels))
    return data_paths.links(given, wheels, files), found


@pytest.mark.parametrize(
    ("changes", "files", "expected"),
    [
        ({}, {}, ["app/instance"]),
        (
            {"wsgi": "guestbook.web:app", "install": "wheel"},
            {},
            ["venv/var/guestbook-instance", "venv/var/guestbook.web-instance"],
        ),
        ({}, {"instance/x": b""}, []),
    ],
)
def test_flasks_instance_folder_is_the_apps_data(
    changes: dict[str, str], files: Mapping[str, bytes], expected: list[str], tmp_path: Path
) -> None:
    given = project(tmp_path, {**APP, **files}, exclude=(), **changes)
    flask = wheel(tmp_path, "flask", {"flask/__init__.py": b"", "guestbook/web.py": b"app = 1()\n"})
    data, found = release_data(given, tmp_path, flask)
    assert data == dict.fromkeys(expected, "")
    # dpkg would unpack a later version's files through a link
    assert not [
        path for path, entry in found.items() if entry.kind == "link" and "/var/lib" in entry.target
    ]


class TestWritable:
    def test_its_files_are_those_that_the_data_folder_starts_with(self, tmp_path: Path) -> None:
        files = {**APP, "logs/readme.txt": b"r", "guestbook/static/up/logo.png": b"l", "logs.txt": b"t"}
        given = project(tmp_path, files, writable=("app.db", "guestbook/static/up/", "logs/"))
        data, found = release_data(given, tmp_path)
        assert data == {
            "app/app.db": "app.db",
            "app/guestbook/static/up": "guestbook/static/up/",
            "app/logs": "logs/",
        }
        below = [path.removeprefix(f"{DIST}/") for path, entry in found.items() if entry.kind == "file"]
        assert {path for path in below if path.startswith("seed/")} == {
            "seed/guestbook/static/up/logo.png",
            "seed/logs/readme.txt",
        }
        assert {"app/logs.txt", "app/guestbook/static/style.css"} <= set(below)
        assert not [
            path
            for path in found
            if path.startswith((f"{DIST}/app/logs/", f"{DIST}/app/guestbook/static/up"))
        ]

    @pytest.mark.parametrize(
        ("files", "path", "why"),
        [
            ({"data/plugin.py": b""}, "data/", "includes data/plugin.py, which is code"),
            ({"data/fast.so": b""}, "data/", "includes data/fast.so, which is code"),
            ({"logs.py": b""}, "logs/", "has the name of the module logs.py of the app"),
            ({}, "email/", "has the name of the module 'email' of Python itself"),
            ({}, "flask/", "has the name of the installed module 'flask'"),
            ({}, "instance/", "Flask's folder instance leads to the data folder already"),
            ({}, "instance/app.db", "Flask's folder instance leads to the data folder already"),
        ],
    )
    def test_an_app_cannot_write_code(
        self, files: Mapping[str, bytes], path: str, why: str, tmp_path: Path
    ) -> None:
        flask = wheel(tmp_path, "flask", {"flask/__init__.py": b""})
        given = project(tmp_path, {**APP, **files}, writable=(path,))
        with pytest.raises(ProjectError, match=re.escape(why)) as refused:
            staged(tmp_path, given, flask)
        assert "'writable'" in refused.value.message
        assert refused.value.hint

    def test_a_folder_of_the_working_directory_has_no_name_of_a_module(self, tmp_path: Path) -> None:
        files = {"src/guestbook/__init__.py": APP["guestbook/__init__.py"]}
        for path in ("email/", "src/email/"):
            given = project(tmp_path, files, writable=(path,), static={})
            with pytest.raises(ProjectError, match="the module 'email' of Python itself"):
                staged(tmp_path, given)

    def test_a_link_is_refused(self, tmp_path: Path) -> None:
        given = project(tmp_path, {**APP, "data/one": b""}, writable=("data/",))
        (given.root / "data/two").symlink_to("one")
        with pytest.raises(ProjectError, match="includes data/two, which is a link"):
            staged(tmp_path, given)

    def test_a_folder_that_no_import_finds_may_have_any_name(self, tmp_path: Path) -> None:
        given = project(tmp_path, writable=("guestbook/email/", "var/flask/"))
        flask = wheel(tmp_path, "flask", {"flask/__init__.py": b""})
        data, _ = release_data(given, tmp_path, flask)
        assert {"app/guestbook/email", "app/var/flask"} <= set(data)
