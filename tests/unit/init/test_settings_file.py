from __future__ import annotations

import tomllib

from debonair.init import settings_file

LINES: list[settings_file.Line] = [
    (("hardware",), ["gpio", "i2c"], "app.py:1"),
    (("wsgi",), "app:app", ""),
    (("package",), "guestbook", "the folder's name"),
    (("static", "/static/"), "web/static", "Flask's"),
    (("service", "environment", "MODE"), 'say "x"', ""),
    (("migrate",), 'it\'s "so"\\n', ""),
    (("uwsgi", "harakiri"), 9, ""),
    (("system-site-packages",), True, ""),
]


def test_the_text() -> None:
    text = settings_file.text(LINES, prefix="", head="Ours.")
    assert text == (
        "# Ours.\n"
        'package = "guestbook"        # the folder\'s name\n'
        'wsgi = "app:app"\n'
        'hardware = ["gpio", "i2c"]   # app.py:1\n'
        'migrate = "it\'s \\"so\\"\\\\n"\n'
        "system-site-packages = true\n"
        "\n[service.environment]\nMODE = 'say \"x\"'\n"
        '\n[static]\n"/static/" = "web/static"  # Flask\'s\n'
        "\n[uwsgi]\nharakiri = 9\n"
    )


def test_it_is_what_was_meant_in_any_table() -> None:
    text = settings_file.text(LINES, prefix="tool.debonair", head="Ours.")
    assert text.startswith("[tool.debonair]\n# Ours.\npackage = ")
    assert tomllib.loads(text)["tool"]["debonair"] == {
        "package": "guestbook",
        "wsgi": "app:app",
        "hardware": ["gpio", "i2c"],
        "migrate": 'it\'s "so"\\n',
        "system-site-packages": True,
        "service": {"environment": {"MODE": 'say "x"'}},
        "static": {"/static/": "web/static"},
        "uwsgi": {"harakiri": 9},
    }
