from __future__ import annotations

import pytest

from debonair.trial.advice import advice


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("FileNotFoundError: [Errno 2] No such file or directory: '/proc/stat'", '[service] proc = "all"'),
        ("FileNotFoundError: [Errno 2] No such file or directory: '/proc/self/x'", ""),
        ("sqlite3.OperationalError: no such table: post", 'migrate = "flask db upgrade"'),
        ("    x = os.environ['API']\nKeyError: 'API'", "sudo book env set API=..."),
        (
            "x.ImproperlyConfigured: Requested setting LOGGING, but settings are not configured.",
            'DJANGO_SETTINGS_MODULE = "mysite.settings"',
        ),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'ffmpeg'\nx", 'depends = ["ffmpeg"]'),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'a.ini'", ""),
        ("book: / answers 404", 'health = "/about"'),
        ("ImportError: libzbar.so.0: cannot open shared object file: No", "apt-file search libzbar.so.0"),
        ("No package metadata was found for Book", 'install = "wheel"'),
        (
            "No package metadata was found for other_one",
            "is not installed. Add other-one to your requirements.",
        ),
        (
            "ModuleNotFoundError: No module named 'PIL'",
            "Module 'PIL' is not installed. Add pillow to your requirements.",
        ),
        ("ModuleNotFoundError: No module named 'some_thing'", "Add some-thing to"),
        (
            "ModuleNotFoundError: No module named 'distutils'",
            "Python 3.12 has no 'distutils', but setuptools has it. Add to the settings: requirements = ",
        ),
        ("ModuleNotFoundError: No module named 'imp'", "Python 3.12 has no 'imp'. Instead: "),
        ("ModuleNotFoundError: No module named 'pkg_resources'", "Current releases have no"),
        (
            "ModuleNotFoundError: No module named 'app.x'",
            (
                "app' is installed, but 'app.x' is not. Check that it is in the project's folder, and that "
                "'exclude' does not match it. If a package provides it, require a version that does."
            ),
        ),
        (
            "ValueError: Incorrect timezone setting: Canada/Newfoundland",
            "time zone Canada/Newfoundland only",
        ),
        ("ZoneInfoNotFoundError: 'No time zone found with key US/Eastern'", "time zone US/Eastern only"),
        (
            "TypeError: a() missing 2 required positional arguments: 'receive' and 'send'",
            "is an ASGI application, which uWSGI cannot serve",
        ),
        (
            "usage: meyectl [command]\nmeyectl: error",
            "needs arguments. Add them to 'command', or to sys.argv",
        ),
        ("ModuleNotFoundError: No module named 'RPi'", ""),
        ("ValueError: no", ""),
    ],
)
def test_what_to_do(told: str, expected: str) -> None:
    found = advice(told, {"package": "book"})
    assert expected in found
    assert bool(expected) == bool(found)


APP = {"package": "book", "import-path": ["app"]}
HERE = "/usr/lib/book/releases/1.0-1+deb13.0123abcd"
LEAD = "beside its code, which is read-only. Lead it to the data folder: writable = "


@pytest.mark.parametrize(
    ("told", "release", "expected"),
    [
        (
            "PermissionError: [Errno 13] Permission denied: 'logs'",
            APP,
            f"The app writes 'logs' {LEAD}[\"logs\"].",
        ),
        ("OSError: [Errno 30] Read-only file system: './logs'", APP, f'{LEAD}["logs"]. Then run'),
        (f"[Errno 13] Permission denied: '{HERE}/app/web/static/up'", APP, f'{LEAD}["web/static/up"].'),
        ("[Errno 13] Permission denied: '/usr/lib/book/current/app/x.json'", APP, f'{LEAD}["x.json"].'),
        (f"[Errno 13] Permission denied: '{HERE}/app/logs/app.log'", APP, f'{LEAD}["logs"].'),
        (
            f"logging/__init__.py\n  open\n[Errno 2] No such file or directory: '{HERE}/app/log/a.log'",
            APP,
            f'{LEAD}["log"].',
        ),
        (
            "PermissionError: [Errno 13] Permission denied: 'logs'",
            {**APP, "data": {"app/instance": "", "app/x.db": "x.db", "app/zoo": "zoo/"}},
            f'{LEAD}["logs", "x.db", "zoo/"].',
        ),
        (
            '    c = sqlite3.connect("notes.db")\nOperationalError: unable to open database file',
            APP,
            f'The app writes its database {LEAD}["notes.db"].',
        ),
        (
            "OperationalError: attempt to write a readonly database",
            APP,
            'writable = ["PATH"]. Replace PATH by',
        ),
        # these cannot be led there
        ("[Errno 13] Permission denied: 'x'", {"package": "book"}, "read-only. Store data in os.environ["),
        (f"[Errno 13] Permission denied: '{HERE}/app/app.py'", APP, "read-only. Store data in os.environ["),
        ("[Errno 13] Permission denied: 'a'", {**APP, "data": {"app/a": "a/"}}, "read-only. Store data in"),
        (
            f"[Errno 13] Permission denied: '{HERE}/venv/lib/python3.13/site-packages/x/cache'",
            APP,
            f"The app cannot write to {HERE}/venv/lib/python3.13/site-packages/x/cache.",
        ),
        (
            "[Errno 13] Permission denied: '/var/log/book.log'",
            APP,
            "The app cannot write to /var/log/book.log.",
        ),
        ("PermissionError: [Errno 13] Permission denied: '/dev/gpiomem'", APP, ""),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'settings.json'", APP, ""),
    ],
)
def test_an_app_that_writes_beside_its_code(told: str, release: dict[str, object], expected: str) -> None:
    found = advice(told, release)
    assert expected in found
    assert bool(expected) == bool(found)
