"""Readers of uWSGI's configuration: what the goldens of the accounts do not show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from debonair.errors import ProjectError
from debonair.init.discovery.traits import IN_THE_APP
from debonair.init.imports import jobs, places, uwsgi, uwsgi_options, variables
from debonair.init.imports.account import Imported
from debonair.project import settings
from debonair.tree.service import literals


def read(root: Path, text: str, name: str = "uwsgi.ini") -> Imported:
    (root / name).write_text(text)
    return uwsgi.read(root / name, root)


def ini(root: Path, *lines: str) -> Imported:
    return read(root, "\n".join(["[uwsgi]", "plugins = python3", *lines]))


@pytest.mark.parametrize(
    ("name", "text", "line", "wrong"),
    [
        (
            "uwsgi.ini",
            "[uwsgi]\nprocesses 4\n",
            2,
            ("'processes 4' is not an option with a value", "Write it as: processes = 4"),
        ),
        (
            "uwsgi.ini",
            "[uwsgi]\nprocesses: 4\n",
            2,
            ("'processes: 4'", "Write it as: processes = 4"),
        ),
        ("uwsgi.ini", "[uwsgi]\n= 4\n", 2, ("'= 4'", "name = value")),
        ("uwsgi.ini", "\n[uwsgi\nprocesses = 4\n", 2, ("'[uwsgi' is not a section", "[uwsgi]")),
        (
            "uwsgi.ini",
            "[app:main]\nuse = egg:x\n",
            1,
            ("it has no section [uwsgi] (its sections: [app:main])", "below [uwsgi]"),
        ),
        ("uwsgi.ini", "; nothing\n", 1, ("its sections: none", "below [uwsgi]")),
        (
            "uwsgi.ini",
            "[uwsgi]\nini = :gone\n",
            1,
            ("it has no section [gone] (its sections: [uwsgi])", ""),
        ),
        (
            "uwsgi.yaml",
            "uwsgi:\n  a: 1\n\tb: 2\n",
            3,
            ("not valid YAML", "Fix the syntax error on that line. Indent with spaces, not tabs."),
        ),
        (
            "uwsgi.yaml",
            "uwsgi:\n  a:\n    b: 2\n",
            3,
            ("'a' has more than a value or a list of values", "not nested"),
        ),
        ("uwsgi.yaml", "- uwsgi\n", 1, ("it has no uWSGI options", "below 'uwsgi:'")),
        ("uwsgi.yaml", "", 1, ("it has no uWSGI options", "below 'uwsgi:'")),
        ("uwsgi.yaml", "uwsgi: \x01\n", 1, ("not valid YAML", "plain text")),
        ("uwsgi.json", '{"uwsgi": {\n// no\n}}', 2, ("not valid JSON", "no comments")),
        (
            "uwsgi.json",
            '{"uwsgi": {\n"a": {"b": 1}}}',
            2,
            ("'a' has more than a value or a list of values", "not nested"),
        ),
        ("uwsgi.json", "[1]", 1, ("no section [uwsgi]", "")),
        (
            "uwsgi.xml",
            "<uwsgi>\n<master>\n</uwsgi>",
            3,
            (
                "not valid XML: mismatched tag",
                "Fix the syntax error on that line.",
            ),
        ),
    ],
)
def test_what_cannot_be_read(
    name: str, text: str, line: int, wrong: tuple[str, str], tmp_path: Path
) -> None:
    with pytest.raises(ProjectError) as caught:
        read(tmp_path, text, name)
    assert caught.value.message.startswith(f"{tmp_path / name}:{line}: ")
    message, hint = wrong
    assert message in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("lines", "wsgi", "warned"),
    [
        (["module = manage:app"], "manage:app", ""),
        (["wsgi = manage", "callable = make()"], "manage:make()", ""),
        (["file = ./manage.py:app"], "manage:app", ""),
        (["wsgi-file = /home/pi/shop/manage.py"], "manage:application", ""),
        (["wsgi-file = site/__init__.py", "callable = app"], "site:app", ""),
        (["wsgi-file = site/web.py"], "site.web:application", ""),
        (["module = inner"], "inner:application", ""),
        (["mount = /=manage:app"], "manage:app", ""),
        (
            ["mount = /a=manage.py"],
            "manage:application",
            "the app was at /a, and is now at /. Check its links.",
        ),
        (
            ["wsgi-file = gone.py"],
            "gone:application",
            "uWSGI served gone.py, but the project has no such file.",
        ),
        (
            ["wsgi-file = web-app.py"],
            "",
            (
                "uWSGI served 'web-app:application'. Debonair serves only importable names: set 'wsgi' to "
                "module:callable, or module:factory()."
            ),
        ),
        (["module = manage", "callable = make('x')"], "", "uWSGI served 'manage:make('x')'"),
        (
            ["chdir = /home/pi/shop/lib", "module = only"],
            "only:application",
            (
                "is in lib/. Debonair imports from the project's folder or its src/. Run it there: cd lib "
                "&& debonair init"
            ),
        ),
        (
            ["chdir = /home/pi/shop/lib", "wsgi-file = only.py"],
            "only:application",
            (
                "is in lib/. Debonair imports from the project's folder or its src/. Run it there: cd lib "
                "&& debonair init"
            ),
        ),
        (
            ["chdir = /home/pi/shop/lib", "wsgi-file = %(chdir)/only.py"],
            "only:application",
            (
                "is in lib/. Debonair imports from the project's folder or its src/. Run it there: cd lib "
                "&& debonair init"
            ),
        ),
        (["chdir = /home/pi/shop", "wsgi-file = lib/only.py"], "lib.only:application", ""),
        (["wsgi-file = src/inner.py"], "inner:application", ""),
        (["module = gone"], "gone:application", ""),
        (["callable = app"], "", ""),
    ],
)
def test_what_is_served(lines: list[str], wsgi: str, warned: str, tmp_path: Path) -> None:
    for path in (
        "manage.py",
        "web-app.py",
        "site/__init__.py",
        "site/web.py",
        "src/inner.py",
        "lib/only.py",
    ):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()
    found = ini(tmp_path, *lines)
    assert found.settings.get("wsgi", "") == wsgi
    assert bool(found.warnings) == bool(warned)
    assert warned in "".join(found.warnings)


@pytest.mark.parametrize(
    ("line", "options"),
    [
        ("workers = 4", {"processes": 4}),
        ("p = auto", {"processes": "auto"}),
        ("lazy-apps", {"lazy-apps": True}),
        ("lazy_apps = false", {"lazy-apps": False}),
        ("mule", {"mule": ""}),
        ("chmod-socket = 0640", {}),
        ("log-4xx = 0755", {"log-4xx": "0755"}),
        ("route = ^/a log:b;c", {"route": "^/a log:b;c"}),
        (
            "route-uri = ^/a redirect-301:/",
            {"plugins": "router_redirect", "route-uri": "^/a redirect-301:/"},
        ),
        ("response-route = ^/a gzip:", {"plugins": "transformation_gzip", "response-route": "^/a gzip:"}),
        ("cheaper-busyness-min = 5", {"plugins": "cheaper_busyness", "cheaper-busyness-min": 5}),
        ("http-keepalive = 5", {}),
        ("cheaper = 2", {}),
        ("pythonpath = .", {}),
        ("static-map = /=static", {}),
        ("cron2 = minute=5 ./a", {"cron2": "minute=5 ./a"}),
        ("cron =", {"cron": True}),
        ("attach-daemon2 = cmd=x", {"attach-daemon2": "cmd=x"}),
        ("touch-signal = %dagain 5", {"touch-signal": "again 5"}),
        ("gevent = 100", {"plugins": "gevent_python3", "gevent": 100}),
        ("asyncio = 50", {"plugins": "asyncio_python3", "asyncio": 50}),
        ("procname-append = %(nowhere)", {}),
        ("static-index = %(one)", {"static-index": "%(one)"}),
    ],
)
def test_an_option(line: str, options: dict[str, settings.Option], tmp_path: Path) -> None:
    found = ini(tmp_path, line, "one = %(two)", "two = %(one)")
    assert found.settings.get("uwsgi", {}) == options
    assert [account.line for account in found.accounts] == [2, 3, 4, 5]


def test_another_plugin_brings_its_options(tmp_path: Path) -> None:
    found = read(tmp_path, "[uwsgi]\nplugins = http, python3, gevent\ngevent = 100\n")
    assert found.settings["uwsgi"] == {"plugins": "gevent_python3", "gevent": 100}
    assert found.warnings == ()


def test_a_plugin_that_nobody_knows(tmp_path: Path) -> None:
    found = read(tmp_path, "[uwsgi]\nplugins = python3, my_own, gevent_python3\n")
    assert found.settings["uwsgi"] == {"plugins": "my_own,gevent_python3"}
    (warning,) = found.warnings
    assert 'depends = ["uwsgi-plugin-my-own"]' in warning


@pytest.mark.parametrize(
    ("value", "options"),
    [
        ("/usr/lib/uwsgi/python", {}),
        ("/usr/lib/uwsgi/plugins/python3_plugin.so, http", {}),
        ("plugins/gevent_plugin.so", {"plugins": "gevent_python3"}),
    ],
)
def test_a_plugin_named_by_its_file(value: str, options: dict[str, str], tmp_path: Path) -> None:
    found = read(tmp_path, f"[uwsgi]\nplugins = {value}\n")
    assert found.settings.get("uwsgi", {}) == options
    assert not any("/" in warning.partition(":")[2] for warning in found.warnings)


@pytest.mark.parametrize(
    ("line", "settings"),
    [
        ("hook-pre-app = exec:./manage.py migrate", {"migrate": "./manage.py migrate"}),
        (
            "hook-pre-app = exec:/srv/x/venv/bin/python3 manage.py migrate",
            {"migrate": "python3 manage.py migrate"},
        ),
        ("hook-as-user = exec:flask db upgrade", {"migrate": "flask db upgrade"}),
        ("hook-post-app = exec:touch /tmp/x", {"uwsgi": {"hook-post-app": "exec:touch /tmp/x"}}),
    ],
)
def test_a_hook_that_migrates(line: str, settings: dict[str, Any], tmp_path: Path) -> None:
    found = ini(tmp_path, line)
    assert {
        key: value.removeprefix(IN_THE_APP) if key == "migrate" else value
        for key, value in found.settings.items()
    } == settings


def test_no_secret_is_shown(tmp_path: Path) -> None:
    lines = [
        "db_password = hush",
        "env = DB_TOKEN=%(db_password)",
        "if-env = X",
        "env = A_KEY=hush",
        "endif",
    ]
    found = ini(tmp_path, *lines, "env = X=$(HOME)", "env = 1=2")
    assert "hush" not in repr(found)
    assert found.settings == {"uwsgi": {"env": "X=$(HOME)"}, "exclude": ["/uwsgi.ini"]}
    found = read(tmp_path, "<uwsgi><env>A_KEY=hush&amp;</env>\n</uwsgi>", "uwsgi.xml")
    assert "hush" not in repr(found)


def test_files_that_include_each_other_end(tmp_path: Path) -> None:
    (tmp_path / "other.ini").write_text("[uwsgi]\nini = uwsgi.ini\nthreads = 3\n")
    found = ini(tmp_path, "ini = other.ini", "processes = 2")
    assert found.settings["uwsgi"] == {"threads": 3, "processes": 2}


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ("59 3 -1 -1 -1", "*-*-* 03:59:00"),
        ("-5 -1 -1 -1 -1", "*-*-* *:00/5:00"),
        ("0 0 1 -3 -1", "*-01/3-01 00:00:00"),
        ("0 0 -1 -1 7", "Sun *-*-* 00:00:00"),
        ("0 0 1 -1 7", ""),
        ("0 0 -1 -1 -2", ""),
        ("0 0 -1 -1 8", ""),
        ("0 0 -1 -1", ""),
        ("a 0 -1 -1 -1", ""),
    ],
)
def test_a_calendar(fields: str, found: str) -> None:
    assert jobs.calendar(fields.split()) == found


def test_the_name_of_a_job() -> None:
    assert jobs.name("/usr/bin/python3 -m clean_up --all", ()) == "clean-up"
    assert jobs.name("TZ=UTC exec ./Mails.sh", {"mails", "mails-2"}) == "mails-3"
    assert jobs.name("python -c 1=2", ()) == "job"
    assert jobs.command("/srv/venv/bin/celery -A x && /usr/bin/env b") == "celery -A x && /usr/bin/env b"


def test_places(tmp_path: Path) -> None:
    (tmp_path / "shop/static").mkdir(parents=True)
    (tmp_path / "static").mkdir()
    assert places.inside(tmp_path, "shop/static") == "shop/static"
    assert places.inside(tmp_path, f"{tmp_path}/static") == "static"
    assert places.inside(tmp_path, "/srv/shop/static") == "shop/static"
    assert places.inside(tmp_path, "/srv/shop/static", "/srv/shop") == "static"
    assert places.inside(tmp_path, f"/srv/{tmp_path.name}") == "."
    assert places.inside(tmp_path, "../static") is None
    assert places.inside(tmp_path, "/srv/media") is None
    assert places.inside(tmp_path, "media") is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (":5000", "localhost:5000"),
        ("http://0.0.0.0:5000/", "localhost:5000"),
        ("[::]:5000", "localhost:5000"),
        ("10.0.0.1:5000", "10.0.0.1:5000"),
        ("unix:///run/app.sock", "app.sock"),
        ("http://unix:/run/a/app.sock:/", "app.sock"),
        ("app.sock", "app.sock"),
    ],
)
def test_an_address(text: str, found: str) -> None:
    assert places.address(text) == found


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("GREETING", "hello", ""),
        ("KEYBOARD", "de", ""),
        ("MONKEY", "1", ""),
        ("DEBUG", "off", ""),
        ("FLASK_ENV", "production", ""),
        ("Debug", "1", "for development only"),
        ("STRIPE_KEY", "x", "a secret; set it in /etc/APP/env on the Pi"),
        ("DATABASE_URL", "postgres://ada:pw@db/x", "a secret; set it in /etc/APP/env on the Pi"),
        ("DATABASE_URL", "sqlite:///x.db", ""),
        ("SECRET_KEY", "x", "each Pi creates its own, in /etc/APP/env"),
        ("PYTHONPATH", "x", "the package has its own virtual environment"),
        ("A-B", "x", "not a valid name of a variable"),
    ],
)
def test_a_variable(name: str, value: str, why: str) -> None:
    found = variables.judge(name, value)
    assert (found.kept, found.why) == (not why, why)


def test_every_reason_is_of_an_option(tmp_path: Path) -> None:
    known = uwsgi_options.known()
    dropped, development = uwsgi_options.reasons()
    assert not {*dropped, *development} - known
    assert not dropped.keys() & development.keys()
    assert literals.refused().items() <= dropped.items()


def test_paths_of_the_project_are_relative_to_it(tmp_path: Path) -> None:
    (tmp_path / "contrib").mkdir()
    found = read(tmp_path, "[uwsgi]\nenv = SETTINGS=%d/sample.cfg\nenvdir = %d/mail\n", "contrib/uwsgi.ini")
    assert found.settings["service"] == {"environment": {"SETTINGS": "contrib/sample.cfg"}}
    assert found.settings["uwsgi"] == {"envdir": "contrib/mail"}


def project(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


@pytest.mark.parametrize(
    "lines",
    [
        ["ini = :base", "module = other:app", "harakiri = 90", "processes = 2", "static-index = b.html"],
        [
            "harakiri = 1",
            "ini = :base",
            "harakiri = 90",
            "workers = 2",
            "wsgi = other:app",
            "static-index=b.html",
        ],
        [
            "ini = :first",
            "[first]",
            "ini = :base",
            "wsgi-file = other.py",
            "callable = app",
            "module = other:app",
        ],
    ],
)
def test_the_last_value_counts(lines: list[str], tmp_path: Path) -> None:
    base = ["[base]", "module = app:app", "harakiri = 20", "processes = 4", "static-index = a.html"]
    found = ini(project(tmp_path, "app.py", "other.py"), *lines, *base)
    assert found.settings["wsgi"] == "other:app"
    options = found.settings["uwsgi"]
    late = "static-index" in "".join(lines)
    assert (options["harakiri"], options["processes"]) == ((90, 2) if late else (20, 4))
    assert options["static-index"] == (["a.html", "b.html"] if late else "a.html")
    replaced = [account for account in found.accounts if account.why.endswith(" replaces it")]
    assert len(replaced) == (4 if lines[0] == "harakiri = 1" else 3 if late else 1)
    assert not any(account.became for account in replaced)


@pytest.mark.parametrize(
    ("lines", "served", "warned"),
    [
        (["mount = /a=one.py", "mount = /=two:app"], "two:app", "'one.py' was another app, at /a"),
        (
            ["mount = /a=one.py", "mount = /b=two:app"],
            "one:application",
            "'two:app' was another app, at /b",
        ),
        (["mount = /a=one.py", "module = two:app"], "two:app", "'one.py' was another app, at /a"),
    ],
)
def test_several_apps(lines: list[str], served: str, warned: str, tmp_path: Path) -> None:
    found = ini(project(tmp_path, "one.py", "two.py"), *lines)
    assert found.settings["wsgi"] == served
    assert warned in "".join(found.warnings)


@pytest.mark.parametrize(
    "line",
    [
        "ini = %dparts/more.ini",
        "base = %d..\nini = %(base)/conf/parts/more.ini",
        "set-placeholder = dir=%v\nset-ph = name=more\ninclude = %(dir)/../conf/parts/%(name).ini",
    ],
)
def test_a_placeholder_in_an_include(line: str, tmp_path: Path) -> None:
    project(tmp_path, "app.py", "files/a", "conf/parts/more.ini")
    (tmp_path / "conf/parts/more.ini").write_text(
        "[uwsgi]\nmodule = app:app\nharakiri = 45\nstatic-map = /files=%d../../files\n"
    )
    found = read(tmp_path, f"[uwsgi]\n{line}\n", "conf/uwsgi.ini")
    assert found.settings == {
        "wsgi": "app:app",
        "uwsgi": {"harakiri": 45},
        "static": {"/files/": "files"},
    }
    assert not found.warnings


@pytest.mark.parametrize(
    ("line", "static"),
    [
        ("static-map2 = /css=static", {"/css/": "static/css"}),
        ("static_map2 = /a/b=/home/pi/shop/static/", {"/a/b/": "static/a/b"}),
        ("static-map2 = /gone=static", {}),
        ("static-map = /css=static", {"/css/": "static"}),
    ],
)
def test_static_map2_keeps_the_url(line: str, static: dict[str, str], tmp_path: Path) -> None:
    found = ini(project(tmp_path, "static/css/a", "static/a/b/c"), line)
    assert found.settings.get("static", {}) == static


@pytest.mark.parametrize(
    ("lines", "key", "value", "warned"),
    [
        (["check-static = /srv/hub/public"], "check-static", "public", ""),
        (["check-static = /var/www/hub/public"], "check-static", "public", ""),
        (["static-safe = %d/public"], "static-safe", "public", ""),
        (["spooler = /srv/hub/gone"], "spooler", "/var/lib/APP/gone", ""),
        (["spooler = /var/spool/mail/"], "spooler", "/var/lib/APP/mail", ""),
        (["spooler-external = public"], "spooler-external", "/var/lib/APP/public", ""),
        (["spooler = ./"], "spooler", "/var/lib/APP/spooler", ""),
        (["mimefile = /etc/mime.types"], "mimefile", "/etc/mime.types", ""),
        (["mimefile = /etc/hub/types"], "mimefile", "/etc/hub/types", "/etc/hub/types"),
        (["static-gzip-dir = /data/gz"], "static-gzip-dir", "/data/gz", "/data/gz"),
        (["queue-store = /var/cache/q"], "queue-store", "/var/cache/q", "/var/cache/q"),
        (["cache2 = name=a,store=/var/tmp/c"], "cache2", "name=a,store=/var/tmp/c", "/var/tmp/c"),
        (["wait-for-file = /run/ready"], "wait-for-file", "/run/ready", ""),
        (["static-expires-uri = ^/static/ 60"], "static-expires-uri", "^/static/ 60", ""),
        (["pyargv = --log=/var/www/x.log"], "pyargv", "--log=/var/www/x.log", "/var/www/x.log"),
        (["pyargv = /usr/bin/x /etc/y"], "pyargv", "/usr/bin/x /etc/y", ""),
        (["route = ^/home/x log:a"], "route", "^/home/x log:a", ""),
        (
            ["smart-attach-daemon = /tmp/c.pid /srv/hub/venv/bin/celery -A app"],
            "smart-attach-daemon",
            "/tmp/c.pid celery -A app",
            "",
        ),
        (
            ["hook-pre-app = exec:/srv/hub/.venv/bin/python3.9 /srv/hub/manage.py warm"],
            "hook-pre-app",
            "exec:python manage.py warm",
            "",
        ),
    ],
)
def test_the_old_machine(lines: list[str], key: str, value: str, warned: str, tmp_path: Path) -> None:
    found = ini(project(tmp_path, "public/a", "manage.py"), "chdir = /srv/hub", *lines)
    assert found.settings["uwsgi"] == {key: value}
    assert bool(found.warnings) == bool(warned)
    assert warned in "".join(found.warnings)


@pytest.mark.parametrize(
    ("line", "warned"),
    [
        ("route = ^/m/(.*) static:/media/usb/$1", "/media/usb/"),
        ("route = ^/logo file:filename=/srv/logo.png", "/srv/logo.png"),
        ("route = ^/logo file:/data/logo.png", "/data/logo.png"),
        ("final-route = ^/x sendfile:/home/pi/x", "/home/pi/x"),
        ("route = ^/x static:/usr/share/doc/$1", ""),
        ("route = ^/home/x redirect:/srv/x", ""),
        ("route = ^/p/(.*) static:public/$1", ""),
    ],
)
def test_a_route_to_files_of_the_old_machine(line: str, warned: str, tmp_path: Path) -> None:
    found = ini(project(tmp_path, "public/a"), line)
    assert [f" names {warned}, which" in one for one in found.warnings] == [True] * bool(warned)
    (said,) = (each for each in found.accounts if "route" in each.became)
    assert ("a path of the old machine" in said.why) == bool(warned)


def test_a_variable_of_the_old_machine(tmp_path: Path) -> None:
    found = ini(project(tmp_path, "a.cfg"), "chdir = /app", "env = A=/app/a.cfg", "env = B=/app/up")
    assert found.settings["service"]["environment"] == {"A": "a.cfg", "B": "/app/up"}
    assert [" names /app/up, which was on the old machine" in one for one in found.warnings] == [True]


@pytest.mark.parametrize(
    ("daemon", "name", "command", "package"),
    [
        ("python3.8 ./manage.py qcluster", "qcluster", "python ./manage.py qcluster", ""),
        ("python2 -u manage.py listen", "listen", "python -u manage.py listen", ""),
        ("%d/venv/bin/python %d/manage.py listen", "listen", "python manage.py listen", ""),
        ("%d//manage.py listen", "listen", "./manage.py listen", ""),
        ("python /home/pi/mail/manage.py rqworker", "rqworker", "python manage.py rqworker", ""),
        ("./env/bin/huey_consumer tasks", "huey-consumer", "huey_consumer tasks", ""),
        ("/home/pi/.virtualenvs/mail/bin/rq worker", "rq", "rq worker", ""),
        ("redis-server --port 0", "redis-server", "redis-server --port 0", "redis-server"),
        ("exec /usr/bin/node app.js", "node", "exec /usr/bin/node app.js", "nodejs"),
        ("./node app.js", "node", "./node app.js", ""),
    ],
)
def test_a_daemon(daemon: str, name: str, command: str, package: str, tmp_path: Path) -> None:
    found = ini(project(tmp_path, "manage.py"), "chdir = /home/pi/mail", f"attach-daemon = {daemon}")
    assert found.settings["workers"] == {name: command}
    assert bool(found.warnings) == bool(package)
    assert f'depends = ["{package}"]' in "".join(found.warnings) or not package
    found = ini(tmp_path, "chdir = %d", f"cron = 0 3 -1 -1 -1 {daemon.replace('/home/pi/mail', '%d')}")
    assert found.settings["timers"][name]["command"] == command


@pytest.mark.parametrize(
    ("lines", "options"),
    [
        (["gevent = 100", "threads = 4"], {"gevent": 100}),
        (["threads = 1", "async = 10"], {"async": 10}),
        (["threads = 4"], {"threads": 4}),
    ],
)
def test_threads_beside_an_event_loop(
    lines: list[str], options: dict[str, settings.Option], tmp_path: Path
) -> None:
    found = read(tmp_path, "\n".join(["[uwsgi]", "plugins = python3,gevent_python3", *lines]))
    assert found.settings["uwsgi"] == {"plugins": "gevent_python3", **options}
    assert any("'threads' was left out" in one for one in found.warnings) == ("threads = 4" in lines[1:])


@pytest.mark.parametrize(
    ("line", "warned"),
    [
        ("harakiri = {{ harakiri }}", "'harakiri = {{ harakiri }}' was left out, because another program"),
        ("processes = <%= @workers %>", "because another program fills it in first"),
        ("cron = 0 0 -1 -1 -1 load redis://:hush@db/1", "'cron' was left out, because it has a password"),
        ("http-websockets = true", ""),
    ],
)
def test_what_cannot_be_taken_over(line: str, warned: str, tmp_path: Path) -> None:
    found = ini(tmp_path, line)
    assert found.settings.keys() <= {"exclude"}
    assert warned in "".join(found.warnings)
    assert "hush" not in repr(found)
    assert bool(found.when_served_by["uwsgi"]) == (not warned)


@pytest.mark.parametrize(
    "emperor", ["%d/vassals", "/etc/uwsgi/vassals", "%d/vassals/*.ini", "dir://%dvassals"]
)
def test_the_only_vassal_is_imported(emperor: str, tmp_path: Path) -> None:
    project(tmp_path, "app.py", "uwsgi/vassals/one.ini", "uwsgi/vassals/README")
    (tmp_path / "uwsgi/vassals/one.ini").write_text("[uwsgi]\nmodule = app:app\nemperor = %d\n")
    found = read(tmp_path, f"[uwsgi]\nemperor = {emperor}\n", "uwsgi/emperor.ini")
    assert found.settings == {"wsgi": "app:app"} or emperor.startswith("/etc")
    project(tmp_path, "uwsgi/vassals/two.ini")
    (tmp_path / "uwsgi/vassals/two.ini").write_text("[uwsgi]\nmodule = two\n")
    found = read(tmp_path, f"[uwsgi]\nemperor = {emperor}\n", "uwsgi/emperor.ini")
    assert not found.settings
    assert "debonair init --import " in found.warnings[0]


def test_an_application_of_xml(tmp_path: Path) -> None:
    text = (
        '<uwsgi>\n<app mountpoint="/">\n <script>app</script>\n</app>\n<processes>4</processes>\n</uwsgi>'
    )
    found = read(project(tmp_path, "app.py"), text, "mon.xml")
    assert found.settings == {"wsgi": "app:application", "uwsgi": {"processes": 4}}
