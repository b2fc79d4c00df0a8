"""Which application is served, if other files start one that the project's modules do not have."""

from __future__ import annotations

from pathlib import Path

import pytest
from drafts import FLASK, draft, make, refused

DJANGO = {"requirements.txt": "django\n", "manage.py": "", "shop/__init__.py": "", "shop/settings.py": ""}


class TestOfARequirement:
    @pytest.mark.parametrize(
        "files",
        [
            {"uwsgi.ini": "[uwsgi]\nmodule = django.core.wsgi:get_wsgi_application()\nenv = A=b\n"},
            {"uwsgi.ini": "[uwsgi]\ncallable = get_wsgi_application()\nmodule = django.core.wsgi\n"},
            {"Procfile": "web: gunicorn 'django.core.wsgi:get_wsgi_application()'\n"},
        ],
    )
    def test_django_makes_its_own(self, files: dict[str, str], tmp_path: Path) -> None:
        found = draft(make(tmp_path, DJANGO | files)).findings[0]
        assert found.value == "django.core.wsgi:get_wsgi_application()"
        assert found.where.endswith("(Django)")

    def test_a_package_of_the_requirements(self, tmp_path: Path) -> None:
        files = {"requirements.txt": "Isso[x]>=0.13\n", "Procfile": "web: gunicorn isso.dist:app\n"}
        found = draft(make(tmp_path, files)).findings[0]
        assert (found.value, found.where) == ("isso.dist:app", "Procfile:1")

    def test_a_folder_of_the_project_hides_a_package(self, tmp_path: Path) -> None:
        files = {
            "requirements.txt": "isso\n",
            "isso/app.py": FLASK,
            "Procfile": "web: gunicorn isso.dist:app\n",
        }
        found = draft(make(tmp_path, files))
        assert found.findings[0].value == "isso.app:app"
        assert (
            "Procfile:1 starts isso.dist:app, which is not in the project. Debonair serves isso.app:app "
            "instead. To serve another application, change 'wsgi'."
        ) in found.notes

    def test_of_nothing(self, tmp_path: Path) -> None:
        files = {"requirements.txt": "flask\n", "Procfile": "\nweb: gunicorn shop.wsgi\n"}
        error = refused(make(tmp_path, files))
        assert error.message == (
            "Procfile:2 starts shop.wsgi:application, but neither the project nor its requirements have "
            "that module."
        )


class TestANameThatCannotBeImported:
    @pytest.mark.parametrize(
        ("name", "renamed"),
        [("gate-keeper.py", "gate_keeper.py"), ("2gates.py", "app_2gates.py"), ("my app.py", "my_app.py")],
    )
    def test_of_a_file(self, name: str, renamed: str, tmp_path: Path) -> None:
        files = {name: FLASK, "uwsgi.ini": f"[uwsgi]\ncallable = app\nwsgi-file = {name}\n"}
        error = refused(make(tmp_path, files))
        assert error.message == (
            f"{name}:3 has an application (Flask), but Python cannot import a file with the name {name}. "
            "uwsgi.ini:3 starts it."
        )
        assert f"Rename the file to {renamed}, " in error.hint

    def test_of_a_folder(self, tmp_path: Path) -> None:
        error = refused(make(tmp_path, {"web-app/app.py": FLASK}))
        assert "from the folder web-app, because of its name." in error.message
        assert error.hint == "Package that folder: cd web-app && debonair init"

    def test_a_script_is_no_application(self, tmp_path: Path) -> None:
        error = refused(make(tmp_path, {"tidy-up.py": "print(1)\n", "broken-one.py": "print 1\n"}))
        assert "No WSGI application was found" in error.message


ASYNC = "import asgineer\n\n@asgineer.to_asgi\nasync def main_handler(request):\n    return 200\n"
FASTAPI = "from fastapi import FastAPI\n\napi = FastAPI()\n"
DASH = "from dash import Dash\n\nboard = Dash(__name__)\n"


@pytest.mark.parametrize(
    ("text", "entry", "key", "value"),
    [
        (
            ASYNC,
            "app:main_handler",
            "command",
            "uvicorn --uds $SOCKET --forwarded-allow-ips '*' app:main_handler",
        ),
        (FASTAPI, "app:api", "command", "uvicorn --uds $SOCKET --forwarded-allow-ips '*' app:api"),
        (DASH, "app:board", "wsgi", "debonair_wsgi:application"),
        (FLASK, "app:app", "wsgi", "app:app"),
    ],
)
def test_an_application_that_the_author_names(
    text: str, entry: str, key: str, value: str, tmp_path: Path
) -> None:
    """It need not be WSGI."""
    files = {"app.py": text, "requirements.txt": "uvicorn\n"}
    found = {".".join(each.key): each.value for each in draft(make(tmp_path, files), entry=entry).findings}
    assert found[key] == value
    assert found.get("server", "uwsgi") == ("command" if key == "command" else "uwsgi")


def test_a_maintainer_without_a_valid_address_is_not_taken(tmp_path: Path) -> None:
    files = {
        "app.py": FLASK,
        "requirements.txt": "flask\n",
        "setup.py": "from setuptools import setup\n"
        "setup(name='a', version='1', author='M / A', author_email='a@l@web.de')\n",
    }
    found = next(each for each in draft(make(tmp_path, files)).findings if each.name == "maintainer")
    assert "@l@" not in found.value
