"""What is known of a Django project by its settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from debonair.init.discovery import django
from debonair.init.discovery.code import modules

MANAGE = 'import os\n\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")\n'
APPS = "INSTALLED_APPS = ['django.contrib.staticfiles']\n"
GOOD = f"{APPS}STATIC_ROOT = BASE_DIR / 'collected'\nSTATIC_URL = 'static/'\n"


def look(
    tmp_path: Path, text: str, settings: str = "mysite/settings.py"
) -> tuple[dict[str, str], list[str]]:
    (tmp_path / "manage.py").write_text(MANAGE)
    path = tmp_path / settings
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    findings, changes = django.look(tmp_path, modules(tmp_path)[0])
    return {".".join(found.key): found.value for found in findings}, [change.note for change in changes]


@pytest.mark.parametrize("settings", ["mysite/settings.py", "mysite/settings/base.py"])
def test_what_is_collected_and_where_it_is_served(settings: str, tmp_path: Path) -> None:
    assert look(tmp_path, GOOD, settings) == (
        {"collect": django.COLLECT, "static./static/": "collected"},
        [],
    )


@pytest.mark.parametrize(
    ("root", "folder"),
    [
        ("os.path.join(BASE_DIR, 'var', 'static')", "var/static"),
        ("BASE_DIR / 'public' / 'static'", "public/static"),
        ("os.environ['WHERE']", "staticfiles"),
        ("BASE_DIR / '..' / 'static'", "staticfiles"),
        ("ROOT", "staticfiles"),
    ],
)
def test_the_folder_of_static_files(root: str, folder: str, tmp_path: Path) -> None:
    found, _ = look(tmp_path, f"{APPS}STATIC_ROOT = {root}\nSTATIC_URL = '/assets/'\n")
    assert found["static./assets/"] == folder


def test_files_that_another_server_has(tmp_path: Path) -> None:
    found, _ = look(tmp_path, f"{APPS}STATIC_ROOT = ROOT\nSTATIC_URL = 'https://cdn.example.org/'\n")
    assert found == {"collect": django.COLLECT}


def test_a_project_without_static_files(tmp_path: Path) -> None:
    assert look(tmp_path, "INSTALLED_APPS = []\n") == ({}, [])


def test_a_manage_py_that_is_not_djangos(tmp_path: Path) -> None:
    assert django.look(tmp_path, []) == ([], [])
    (tmp_path / "manage.py").write_text("from flask_script import Manager\n")
    assert django.look(tmp_path, []) == ([], [])


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("DEBUG = True", "mysite/settings.py:4: DEBUG = True shows your code"),
        ("ALLOWED_HOSTS = []", "mysite/settings.py:4: With ALLOWED_HOSTS empty"),
        (
            "SECRET_KEY = 'django-insecure-x'",
            "mysite/settings.py:4: Everyone who has the package has this SECRET_KEY",
        ),
        (
            "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': BASE_DIR / 'db'}}",
            "mysite/settings.py:4: The database is beside the code",
        ),
        (
            "DATABASES = {'default': {'ENGINE': 'x.sqlite3', 'NAME': 'db'}}",
            (
                "The database is beside the code, which is read-only on the Pi. Change its NAME to: "
                "Path(os.environ.get('STATE_DIRECTORY', Path(__file__).resolve().parents[1])) / 'db'"
            ),
        ),
    ],
)
def test_what_does_not_do_on_the_pi(line: str, expected: str, tmp_path: Path) -> None:
    _, (note,) = look(tmp_path, f"{GOOD}{line}\n")
    assert expected in note


@pytest.mark.parametrize(
    "line",
    [
        "DEBUG = 'STATE_DIRECTORY' not in os.environ",
        "ALLOWED_HOSTS = ['*']",
        "SECRET_KEY = os.environ['SECRET_KEY']",
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': STATE / 'db'}}",
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': 'polls'}}",
    ],
)
def test_what_does(line: str, tmp_path: Path) -> None:
    assert look(tmp_path, f"{GOOD}{line}\n")[1] == []


def test_settings_without_a_place_for_static_files(tmp_path: Path) -> None:
    found, (note,) = look(tmp_path, f"{APPS}STATIC_URL = 'static/'\n")
    assert found["static./static/"] == "staticfiles"
    assert note.endswith("STATIC_ROOT = Path(__file__).resolve().parents[1] / 'staticfiles'")


@pytest.mark.parametrize(
    ("patterns", "health"),
    [
        ('[path("admin/", admin.site.urls)]', "/admin/"),
        ('[path("polls/list", x), path("admin/", y)]', "/polls/list"),
        ('[path("admin/", x), path("", y)]', None),
        ('[path("<slug:page>/", x)]', None),
        ('[re_path(r"^$", x)]', None),
        ("[path(ADMIN, x)]", None),
        ('[*more, path("admin/", x)]', None),
        ("[]", None),
        ("patterns()", None),
    ],
)
def test_a_project_without_a_page_at_the_root(patterns: str, health: str | None, tmp_path: Path) -> None:
    (tmp_path / "mysite").mkdir()
    (tmp_path / "mysite/urls.py").write_text(f"urlpatterns = {patterns}\n")
    found, _ = look(tmp_path, f"{GOOD}ROOT_URLCONF = 'mysite.urls'\n")
    assert found.get("health") == health


def test_the_secret_is_not_shown(tmp_path: Path) -> None:
    _, (note,) = look(tmp_path, f"{GOOD}SECRET_KEY = 'hush-hush'\n")
    assert "hush" not in note


@pytest.mark.parametrize("line", ["from .base import *", "from mysite.settings.base import *"])
def test_the_settings_that_the_server_loads_count(line: str, tmp_path: Path) -> None:
    (tmp_path / "mysite/settings").mkdir(parents=True)
    (tmp_path / "mysite/settings/__init__.py").touch()
    (tmp_path / "mysite/settings/base.py").write_text(f"{GOOD}DEBUG = True\nALLOWED_HOSTS = []\n")
    (tmp_path / "mysite/settings/prod.py").write_text(f"{line}\nDEBUG = False\n")
    wsgi = MANAGE.replace("mysite.settings", "mysite.settings.prod")
    (tmp_path / "mysite/wsgi.py").write_text(wsgi)
    _, (note,) = look(tmp_path, f"{line}\nSECRET_KEY = 'x'\n", "mysite/settings/dev.py")
    assert note.startswith("mysite/settings/base.py:5: With ALLOWED_HOSTS empty")
