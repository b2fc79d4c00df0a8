from __future__ import annotations

import pytest

from debonair.trial.advice import advice


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("PermissionError: [Errno 13] Permission denied: '/usr/lib/book/x'", "/var/lib/book."),
        ("OSError: [Errno 30] Read-only file system: '/usr/lib/book/x'", "STATE_DIRECTORY"),
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
        ("ModuleNotFoundError: No module named 'distutils'", "Python 3.12 has no 'distutils'. Instead: "),
        ("ModuleNotFoundError: No module named 'pkg_resources'", "Current releases have no"),
        (
            "ModuleNotFoundError: No module named 'app.x'",
            (
                "app' is installed, but 'app.x' is not. Check that it is in the project's folder, and that "
                "'exclude' does not match it. If a package provides it, require a version that does."
            ),
        ),
        ("ModuleNotFoundError: No module named 'RPi'", ""),
        ("ValueError: no", ""),
    ],
)
def test_what_to_do(told: str, expected: str) -> None:
    found = advice(told, {"package": "book"})
    assert expected in found
    assert bool(expected) == bool(found)
