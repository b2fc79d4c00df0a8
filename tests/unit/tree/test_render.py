from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from samples import EPOCH, VERSION, sample_project, sample_service

from debonair import target
from debonair.errors import ProjectError
from debonair.host import clock
from debonair.project import Project
from debonair.project.settings import Nginx
from debonair.tree.service import render

TRIXIE = target.load("trixie-arm64")
BOOKWORM = target.load("bookworm-armv7")
HOME = "usr/lib/guestbook"

GENERATED = {
    "app.service": "usr/lib/systemd/system/guestbook.service",
    "app.alias": "usr/lib/systemd/system/guestbook.local.service",
    "app.sysusers": "usr/lib/sysusers.d/guestbook.conf",
    "app.tmpfiles": "usr/lib/tmpfiles.d/guestbook.conf",
    "emperor.ini": f"{HOME}/dist/emperor.ini",
    "app.generator": "usr/lib/systemd/system-generators/guestbook",
    "web.ini": f"{HOME}/dist/vassals/web.ini",
    "server.conf": f"{HOME}/dist/nginx/server.conf",
    "site.conf": f"{HOME}/dist/nginx/site.conf",
    "uwsgi_params": f"{HOME}/dist/nginx/uwsgi_params",
    "release.json": f"{HOME}/dist/release.json",
    "copyright": "usr/share/doc/guestbook/copyright",
    "README.Debian": "usr/share/doc/guestbook/README.Debian",
}


def texts(project: Project, target: target.Target = TRIXIE) -> dict[str, str]:
    sources = render.render(project, target, version=VERSION, epoch=EPOCH)
    return {s.path: s.data.decode() for s in sources if s.kind == "file" and not s.path.endswith(".gz")}


def unit(project: Project, target: target.Target = TRIXIE) -> str:
    return texts(project, target)[GENERATED["app.service"]]


def vassal(project: Project) -> str:
    return texts(project)[GENERATED["web.ini"]]


def server(project: Project) -> str:
    return texts(project)[GENERATED["server.conf"]]


@pytest.mark.parametrize("name", GENERATED)
def test_generated_texts(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"render/{name}", texts(sample_project())[GENERATED[name]])


@pytest.mark.parametrize("name", ["preinst", "postinst", "prerm", "postrm"])
def test_maintainer_scripts(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"render/{name}", render.members(sample_project(), VERSION)[name])


def test_every_file_of_an_app_and_its_mode() -> None:
    rendered = render.render(sample_project(), TRIXIE, version=VERSION, epoch=EPOCH)
    device = render.device("guestbook")
    sources = [*rendered, *device]
    modes = {source.path: source.mode for source in sources if source.kind == "file"}
    run = {
        f"{HOME}/libexec/{name}"
        for name in (
            "alias.py",
            "backup.py",
            "boot",
            "command.py",
            "processes.py",
            "settings.py",
            "switch.py",
            "variables.py",
        )
    }
    imported = {
        f"{HOME}/libexec/{name}.py"
        for name in (
            *(
                "address",
                "bus",
                "call",
                "chatter",
                "connections",
                "content",
                "dpkg",
                "durable",
                "emperor",
                "env_verb",
                "environment",
                "handover",
                "history",
                "journal",
                "machine",
                "nginx_site",
                "own_port",
                "person",
                "preparation",
                "probe",
                "release",
                "sandbox",
                "seed",
            ),
            *(
                "socket_access",
                "status",
                "system_emperor",
                "task",
                "terminal",
                "text",
                "units",
                "usage",
                "visit",
            ),
        )
    }
    assert set(modes) == {
        *GENERATED.values(),
        *run,
        *imported,
        f"{HOME}/dist/systemd/guestbook.service",
        "usr/share/doc/guestbook/changelog.Debian.gz",
        "usr/share/lintian/overrides/guestbook",
        "usr/share/man/man1/guestbook.1.gz",
    }
    assert {path for path, mode in modes.items() if mode != 0o644} == {*run, GENERATED["app.generator"]}
    links = {source.path: source.target for source in sources if source.kind == "link"}
    assert links == {
        "usr/bin/guestbook": "../lib/guestbook/libexec/command.py",
        "usr/lib/systemd/system/avahi-daemon.service.wants/guestbook.local.service": (
            "../guestbook.local.service"
        ),
    }
    assert {source.mtime for source in rendered} == {EPOCH}
    assert {source.mtime for source in device} == {clock.OLDEST}
    assert [source.path for source in rendered] == sorted(source.path for source in rendered)


def test_no_path_at_run_time_is_below_dist() -> None:
    found = texts(sample_project()).items()
    # All but the generator, which compares what is served with what is installed.
    read_by_machines = [text for path, text in found if not re.search("^usr/share/|-generators/", path)]
    assert not [text for text in read_by_machines if "guestbook/dist/" in text]


def test_a_tool_has_no_service() -> None:
    tool = sample_project(wsgi="", install="wheel")
    sources = render.render(tool, TRIXIE, version=VERSION, epoch=EPOCH)
    assert [source.path for source in sources] == [
        f"{HOME}/current",
        f"{HOME}/dist/release.json",
        "usr/share/doc/guestbook/changelog.Debian.gz",
        "usr/share/doc/guestbook/copyright",
        "usr/share/lintian/overrides/guestbook",
    ]
    assert render.members(tool, VERSION) == {}


def test_a_release_is_named_without_a_colon() -> None:
    sources = render.render(sample_project(), TRIXIE, version=f"2:{VERSION}", epoch=EPOCH)
    ini = next(source for source in sources if source.path == GENERATED["web.ini"]).data.decode()
    assert "2:" not in ini.replace(f"guestbook 2:{VERSION}, a vassal", "")


def test_release_json_is_sorted_json() -> None:
    text = texts(sample_project())[GENERATED["release.json"]]
    facts = json.loads(text)
    assert list(facts) == sorted(facts)
    assert facts["version"] == VERSION
    assert facts["import-path"] == ["app"]
    wheel = texts(sample_project(install="wheel"))[GENERATED["release.json"]]
    assert json.loads(wheel)["import-path"] == []


@pytest.mark.parametrize(
    ("server_name", "host"),
    [
        ("~.", "localhost"),
        ("_ ~^x www.example.org example.org", "www.example.org"),
        ("*.example.org", "localhost"),
    ],
)
def test_release_names_a_host_that_the_app_knows(server_name: str, host: str) -> None:
    nginx = Nginx(server_name=server_name, listen=["80"], client_max_body_size="1m")
    assert json.loads(texts(sample_project(nginx=nginx))[GENERATED["release.json"]])["host"] == host


def test_a_bookworm_unit_has_no_setting_that_its_systemd_does_not_know() -> None:
    text = unit(sample_project(), BOOKWORM)
    assert "RestartSteps" not in text
    assert "RestartMaxDelaySec" not in text
    assert "\nRestartSec=1s\n" in text


def test_what_is_not_set_leaves_no_line() -> None:
    text = unit(sample_project(service=sample_service(environment={})))
    assert "MemoryMax" not in text
    assert "GREETING" not in text
    assert "\n\n\n" not in text


def test_the_unit_waits_longer_than_the_emperor_and_that_longer_than_a_worker() -> None:
    slow = sample_project(uwsgi={"worker-reload-mercy": 100})
    assert "worker-reload-mercy = 100\n" in vassal(slow)
    assert "emperor-curse-tolerance = 105\n" in texts(slow)[GENERATED["emperor.ini"]]
    assert "TimeoutStopSec=115\n" in unit(slow)


@pytest.mark.parametrize(
    ("options", "seconds"), [({"harakiri": 60}, 70), ({}, 300), ({"harakiri": "20"}, 30)]
)
def test_nginx_waits_longer_than_the_app(options: dict[str, int | str], seconds: int) -> None:
    assert f"uwsgi_read_timeout {seconds}s;" in server(sample_project(uwsgi=options))


@pytest.mark.parametrize("value", [True, "soon"])
def test_a_time_is_a_number(value: object) -> None:
    with pytest.raises(ProjectError, match=r"'uwsgi\.harakiri' is "):
        unit(sample_project(uwsgi={"harakiri": value}))


def test_the_emperor_holds_the_socket_of_an_app_that_may_sleep() -> None:
    asleep = texts(sample_project(sleep_after=900))
    ini = asleep[GENERATED["web.ini"]]
    assert "\nidle = 900\ndie-on-idle = true\n" in ini
    assert "\nsocket = " not in ini
    held = asleep[f"{GENERATED['web.ini']}.socket"]
    assert held.splitlines() == ["/run/guestbook/sockets/web/app.sock"]
    awake = texts(sample_project())
    assert "\nsocket = %(socket-path)\n" in awake[GENERATED["web.ini"]]
    assert set(asleep) - set(awake) == {f"{GENERATED['web.ini']}.socket"}


def test_a_callable_is_not_called_by_the_vassal() -> None:
    assert "\nmodule = shop.wsgi\ncallable = app\n" in vassal(sample_project(wsgi="shop.wsgi:app"))


def test_a_wheel_is_imported_from_its_venv_and_its_static_files_are_there() -> None:
    wheel = sample_project(install="wheel")
    assert "pythonpath" not in vassal(wheel)
    assert "\nchdir = %(release)/venv\n" in vassal(wheel)
    site = "/usr/lib/guestbook/current/venv/lib/python3.13/site-packages/guestbook/static/"
    assert f'alias "{site}";' in server(wheel)


def test_a_src_folder_is_where_modules_come_from(tmp_path: object) -> None:
    class InSrc(Project):
        import_root = "src"

    values = {name: getattr(sample_project(), name) for name in Project.__dataclass_fields__}
    files = InSrc(**{**values, "static": {"/static": "src/guestbook/static"}})
    assert "\npythonpath = %(release)/app/src\nchdir = %(release)/app\n" in vassal(files)
    assert 'alias "/usr/lib/guestbook/current/app/src/guestbook/static/";' in server(files)
    assert "location ^~ /static/ {" in server(files)
    wheel = InSrc(**{**values, "install": "wheel", "static": {"/static/": "src/guestbook/static"}})
    assert 'site-packages/guestbook/static/";' in server(wheel)


def test_one_prefix_stands_once() -> None:
    with pytest.raises(ProjectError, match="'static' has '/a/' twice"):
        server(sample_project(static={"/a": "x", "/a/": "y"}))


@pytest.mark.parametrize("given", [{}, {"command": "uvicorn a:b", "wsgi": "", "uwsgi": {}}])
def test_the_app_serves_what_it_writes_below_a_static_folder(given: dict[str, Any]) -> None:
    static = {"/static/": "web/static", "/other/": "other"}
    own = sample_project(
        **given, static=static, writable=("web/static/a b/", "web/static/list.json", "web/static2/")
    )
    found = re.findall(r"(?m)^location (.*) \{\n((?:.*\n)*?)\}", server(own))
    bodies = dict(found)
    assert [place for place, _ in found] == [
        '= "/static/list.json"', '^~ "/static/a b/"', "^~ /other/", "^~ /static/",
        "= /.well-known/debonair-app", "/", "@down", "@many",
    ]  # fmt: skip
    assert bodies['= "/static/list.json"'] == bodies['^~ "/static/a b/"'] == bodies["/"]
    assert "_pass " in bodies["/"]
    assert "alias" in bodies["^~ /static/"]


@pytest.mark.parametrize("writable", ["static/", "web/"])
def test_a_static_folder_cannot_be_writable(writable: str) -> None:
    own = sample_project(static={"/m/": "web/media", "/s/": "static"}, writable=(writable,))
    with pytest.raises(ProjectError, match="which 'writable' leads to the data folder") as refused:
        server(own)
    assert "/uploads" in refused.value.hint


def test_the_data_is_completed_before_a_start() -> None:
    assert "seed.py" not in unit(sample_project())
    line = "\nExecStartPre=-/usr/bin/python3 -IB /usr/lib/guestbook/libexec/seed.py guestbook\n"
    assert line in unit(sample_project(writable=("logs/",)))


@pytest.mark.parametrize("name", ["www-data", "default", "7up", "a.b", "a+b", "x" * 32])
def test_a_package_that_cannot_be_a_user(name: str) -> None:
    with pytest.raises(ProjectError, match="package's name") as refused:
        render.members(sample_project(package=name), VERSION)
    assert "'package'" in refused.value.hint
    with pytest.raises(ProjectError, match="package's name"):
        render.render(sample_project(package=name), TRIXIE, version=VERSION, epoch=EPOCH)


@pytest.mark.parametrize(
    ("listen", "port"),
    [
        (["80", "[::]:80"], 80),
        (["443 ssl", "8080 default_server"], 8080),
        (["127.0.0.1:8000"], 8000),
        (["[::1]:81"], 81),
        (["unix:/run/x.sock", "localhost"], 80),
    ],
)
def test_the_port_of_plain_http(listen: list[str], port: int) -> None:
    nginx = msgspec.structs.replace(sample_project().nginx, listen=listen)
    text = render.release(sample_project(nginx=nginx), TRIXIE, version=VERSION, epoch=EPOCH)
    assert json.loads(text)["port"] == port
