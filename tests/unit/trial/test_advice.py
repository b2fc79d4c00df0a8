from __future__ import annotations

import pytest

from debonair.trial.advice import advice


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("PermissionError: [Errno 13] Permission denied: '/usr/lib/book/x'", "/var/lib/book."),
        ("OSError: [Errno 30] Read-only file system: '/usr/lib/book/x'", "STATE_DIRECTORY"),
        ("sqlite3.OperationalError: no such table: post", 'migrate = "flask db upgrade"'),
        ("    x = os.environ['API']\nKeyError: 'API'", "sudo book env set API=..."),
        ("book: / answers 404", 'health = "/about"'),
        ("ImportError: libzbar.so.0: cannot open shared object file: No", "apt-file search libzbar.so.0"),
        ("No package metadata was found for Book", 'install = "wheel"'),
        ("No package metadata was found for other_one", "Add other-one to what the app requires."),
        ("ModuleNotFoundError: No module named 'PIL'", "Nothing brings 'PIL'. Add pillow to"),
        ("ModuleNotFoundError: No module named 'some_thing'", "Add some-thing to"),
        ("ModuleNotFoundError: No module named 'distutils'", "Python 3.12 has no 'distutils'. Instead: "),
        ("ModuleNotFoundError: No module named 'pkg_resources'", "Current releases have no"),
        ("ModuleNotFoundError: No module named 'app.x'", "'app' is there, and 'app.x' is not."),
        ("ModuleNotFoundError: No module named 'RPi'", ""),
        ("ValueError: no", ""),
    ],
)
def test_what_to_do(told: str, said: str) -> None:
    found = advice(told, {"package": "book"})
    assert said in found
    assert bool(said) == bool(found)
