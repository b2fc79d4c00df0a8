"""A project that wants a setting, an index or a requirement to be written that nobody sees coming."""

from __future__ import annotations

import tomllib

import pytest
from cloned import APP, Victim


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("uwsgi.xml", "<uwsgi><procname-prefix>a\nevil-option = b</procname-prefix></uwsgi>"),
        ("uwsgi.xml", "<uwsgi><env>A=a&#10;evil-option = b</env></uwsgi>"),
        ("uwsgi.xml", "<uwsgi><app mountpoint='/a&#10;evil-option=b'><module>app</module></app></uwsgi>"),
        ("uwsgi.yaml", 'uwsgi:\n  procname-prefix: "a\\nevil-option = b"\n'),
        ("uwsgi.yaml", "uwsgi:\n  procname-prefix: |\n    a\n    evil-option = b\n"),
        ("uwsgi.yaml", 'uwsgi:\n  "procname-prefix\\nevil-option": b\n'),
        ("uwsgi.json", '{"uwsgi": {"procname-prefix": "a\\nevil-option = b"}}'),
        ("uwsgi.json", '{"uwsgi": {"env": "A=a\\nevil-option = b"}}'),
        ("uwsgi.json", '{"uwsgi": {"attach-daemon": "a\\nevil-option = b"}}'),
        ("uwsgi.json", '{"uwsgi": {"cron": "1 1 1 1 -1 a\\nevil-option = b"}}'),
        ("uwsgi.json", '{"uwsgi": {"static-map": "/static\\nevil-option=static"}}'),
        ("uwsgi.json", '{"uwsgi": {"plugins": "a\\nevil-option = b"}}'),
        ("uwsgi.json", '{"uwsgi": {"plugins": "a", "b\\nevil-option": "b"}}'),
        ("app.json", '{"env": {"A": "a\\nevil-option = b"}}'),
        ("app.json", '{"env": {"A\\nevil-option": "b"}}'),
        ("nginx.conf", 'server { server_name "a\nevil-option"; location / { uwsgi_pass x; } }'),
        ("nginx.conf", 'server { listen "80\nevil-option"; location / { uwsgi_pass x; } }'),
        ("nginx.conf", 'server { location "/a\nevil-option/" { alias static; } uwsgi_pass x; }'),
        ("Procfile", "web: gunicorn app:app\r  evil-option: b\n"),
        ("Procfile", "web: gunicorn app:app\u2028evil-option: b\n"),
        ("Procfile", "web: gunicorn app:app\x0bevil-option: b\n"),
        ("Procfile", "web: gunicorn app:app\x85evil-option: b\n"),
        ("Dockerfile", "FROM x\nRUN echo \u2028ENV EVIL-OPTION=evil-option\n"),
        ("Dockerfile", "FROM x\nRUN cat <<END\nENV EVIL=evil-option\nEND\n"),
        ("runtime.txt", "python-3.11\u2028evil-option"),
    ],
)  # fmt: skip
def test_by_a_line_break_in_a_value(name: str, text: str, victim: Victim) -> None:
    victim.put({name: text, "static/x": "", "requirements.txt": "flask\n"})
    held = victim.init()
    assert "evil-option" not in held.written


@pytest.mark.parametrize("end", ["\n", "\r", "\u2028", "\x85", "\x0b"])
def test_by_the_name_of_a_file(end: str, victim: Victim) -> None:
    """The comment behind a setting says from which file it is."""
    victim.put({f"deploy/x{end}evil = 'a' #.nginx": "server { client_max_body_size 9m; uwsgi_pass x; }"})
    held = victim.init()
    assert not any(line.startswith("evil") for line in held.written.splitlines())
    assert "evil" not in tomllib.loads((victim.root / "debonair.toml").read_text() or "a = 1")


def test_by_the_name_of_an_app_of_django(victim: Victim) -> None:
    (victim.root / "requirements.txt").unlink()
    victim.put({"app.py": APP + r"INSTALLED_APPS = ['x\n--index-url https://evil.example/simple']" + "\n"})
    held = victim.init()
    assert "flask" in held.written
    assert "evil.example" not in held.written


_EVIL = "evil @ https://a.example/x.zip\\n--index-url=https://evil.example/simple"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", f'[project]\nname = "app"\nversion = "1"\ndependencies = ["{_EVIL}"]\n'),
        ("setup.py", f"setup(name='app', install_requires=['{_EVIL}'])\n"),
        ("Pipfile", '[packages]\nevil = {url = "https://a/x\\n--index-url=https://evil.example/s"}\n'),
        (
            "pyproject.toml",
            '[tool.poetry.dependencies]\nevil = {git = "https://a/x\\n--index-url=https://evil.example/s"}\n',
        ),
    ],
)  # fmt: skip
def test_an_index_by_a_line_break_in_a_requirement(name: str, text: str, victim: Victim) -> None:
    """What an app needs is given to uv as lines."""
    (victim.root / "requirements.txt").unlink()
    if name != "pyproject.toml" or "poetry" in text:
        victim.put({"debonair.toml": 'package = "app"\nversion = "1"\nwsgi = "app:app"\ndescription = "x"\n'
                    'maintainer = "A <a@example.org>"\n'})  # fmt: skip
    else:
        text += 'authors = [{name = "A", email = "a@example.org"}]\ndescription = "x"\n'
        text += '[tool.debonair]\nwsgi = "app:app"\n'
    victim.put({name: text})
    output = victim.load()
    assert "a line break" in output


@pytest.mark.parametrize("text", [r"\ud800", r"\u001b[2J", r"\u0000"])
def test_on_the_screen(text: str, victim: Victim) -> None:
    """A terminal takes commands from what is written to it."""
    victim.put({
        "app.json": f'{{"description": "a{text}b", "env": {{"A": "a{text}b", "B{text}": "b"}}}}',
        "uwsgi.json": f'{{"uwsgi": {{"procname-prefix": "a{text}b", "x{text}": "b"}}}}',
        "Procfile": "web: gunicorn app:app \x1b[2J\nx: python \x1b]0;evil\x07\n",
        "nginx.conf": "server { server_name a\x1b[2J; location /\x1b[2J { uwsgi_pass x; } }",
    })  # fmt: skip
    held = victim.init()
    assert not set(held.output + held.written) & set("\x1b\x07\x00")


def test_who_maintains_the_package(victim: Victim) -> None:
    """By the configuration of git that came with the project, in an archive of it."""
    victim.put({
        ".git/HEAD": "ref: refs/heads/main\n",
        ".git/config": '[core]\nrepositoryformatversion = 0\n[user]\nname = Mallory\n'
        "email = mallory@evil.example\n",
        ".git/objects/x": "",
        ".git/refs/x": "",
    })  # fmt: skip
    held = victim.init()
    assert "maintainer" in held.written
    assert "mallory" not in held.written.lower()


_BREAKS = ["\\n", "\\r", "\\u0085", "\\u2028", "\\u2029", "\\u000b", "\\u0000"]
_KEYS = [
    'depends = ["a{}b"]', 'migrate = "a{}b"', 'include = ["a{}b"]', 'targets = ["a{}Hint: b"]',
    'waive = ["a{}b"]', 'health = "/a{}Hint: b"', '"a{}Hint: b" = 1', '[static]\n"/s{}" = "s"',
    '[service]\nmemory-max = "1{}M"', '[service.environment]\nA = "a{}b"', '[uwsgi]\nenv = ["a{}b"]',
    '[uwsgi]\n"a{}b" = 1', '[nginx]\nserver-name = "a{}b"', '[workers]\nw = "a{}b"',
    '[workers]\n"w{}" = "a"', '[timers]\nt = {{command = "a{}b", calendar = "daily"}}',
    '[timers]\nt = {{command = "a", calendar = "daily{}OnBootSec=1"}}',
]  # fmt: skip


@pytest.mark.parametrize("setting", _KEYS)
def test_by_a_character_that_ends_a_line(setting: str, victim: Victim) -> None:
    """It is one for some reader of a unit, an ini file, a control file or a terminal."""
    own = {"package": "app", "version": "1", "wsgi": "app:app", "description": "x"}
    base = "".join(f'{key} = "{value}"\n' for key, value in own.items())
    for sign in _BREAKS:
        text = f'{base}maintainer = "A <a@example.org>"\n{setting.format(sign)}\n'
        victim.put({"debonair.toml": text, "requirements.txt": ""})
        done = victim.debonair("plan", "--target", "trixie-amd64")
        assert done.status == 3, (sign, done.output)
        assert [line.partition(":")[0] for line in done.output.splitlines()] == ["Error", "Hint"], (
            done.output
        )


def test_a_hint_by_a_line_break_in_a_name(victim: Victim) -> None:
    victim.put({"pyproject.toml": '[project]\nname = "a\\nHint: b"\nversion = "1\\nHint: b"\n'})
    done = victim.debonair("plan")
    assert done.output.count("\nHint:") == 1
