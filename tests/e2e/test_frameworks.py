"""The frameworks that people write web applications with, each as its own quickstart has it.

A project has no file of Debonair's: ``init`` writes that, and what it writes is built, installed beside all
others in one Debian, opened, and upgraded.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from debians import Boot, debonair

from debonair.debian.rootfs.machine import Machine, Reply

pytestmark = [pytest.mark.boot, pytest.mark.long]

PROJECTS = Path(__file__).parents[1] / "frameworks"
TARGETS = ["trixie-amd64", "bookworm-amd64"]


@dataclass(frozen=True)
class Framework:
    """A project, and what its pages show of one version."""

    name: str
    """Its folder."""
    package: str
    page: str
    """What is on its first page, with ``{}`` where the version's number is."""
    static: str = ""
    """A file that nginx serves itself."""
    add: str = ""
    """What its author must add to what ``init`` wrote."""


FRAMEWORKS = (
    Framework("flask_object", "flask-object", "<h1>Hello, version {}</h1>", "/static/style.css"),
    Framework(
        "flask_factory",
        "flaskr",
        "<h1>Flaskr, version {}</h1>",
        "/static/style.css",
        add='migrate = "flask init-db"',
    ),
    Framework("flask_blueprints", "flask-blueprints", "Microblog, version {}: visit"),
    Framework("flask_script", "flask-script", "<h1>An old app, version {}</h1>"),
    Framework("werkzeug", "werkzeug", "Shortly, version {}"),
    Framework("bottle", "bottle", "Hello Stranger, version {}"),
    Framework("falcon", "falcon", "Two things awe me most, version {}"),
    Framework("pyramid", "myproj", "<h1>Pyramid: My Project, version {}</h1>"),
    Framework("webpy", "webpy", "Hello, World, version {}!"),
    Framework("django", "django", "<h1>Polls, version {}</h1>", "/static/polls/style.css"),
    Framework("tornado", "tornado", "Hello, world, version {}"),
    Framework("starlette", "starlette", "Starlette, version {}, at http://starlette.example.org/"),
)
BY_NAME = {framework.name: framework for framework in FRAMEWORKS}


@dataclass(frozen=True)
class Pi:
    """A Debian with all of them."""

    machine: Machine
    boot: Boot

    def open(self, name: str, path: str = "/", *, cookie: str = "", **form: str) -> Reply:
        """Ask the app of ``name`` for a page, as a browser does that knows its name."""
        headers = {"Host": f"{BY_NAME[name].package}.example.org", "Cookie": cookie}
        return self.machine.get(path, headers=headers, data=form)

    def run(self, name: str, *words: str) -> str:
        """Run a command of the app of ``name``; return what it says."""
        return self.machine.run([BY_NAME[name].package, "run", *words]).stdout

    def install(self, debs: list[Path]) -> None:
        """Install ``debs`` by one call of apt, which says of none that it was refused."""
        for deb in debs:
            self.machine.copy_in(deb, f"/srv/{deb.name}")
        argv = ["apt-get", "install", "--yes", *(f"/srv/{deb.name}" for deb in debs)]
        output = self.machine.run(argv).stdout
        assert " was refused" not in output, output

    def shows(self, version: int) -> None:
        """Fail unless each of them shows its first page in that ``version``."""
        for framework in FRAMEWORKS:
            assert framework.page.format(version) in self.open(framework.name).text, framework.name


def initialised(name: str, folder: Path) -> Path:
    """Copy the project ``name`` into ``folder``, and let ``init`` write what it finds."""
    project, framework = folder / name, BY_NAME[name]
    shutil.copytree(PROJECTS / name, project)
    debonair(project, "init", "--yes")
    bare = project / "debonair.toml"
    file, prefix = (bare, "") if bare.is_file() else (project / "pyproject.toml", "tool.debonair.")
    before, head, after = file.read_text().rpartition("# Written by 'debonair init'")
    site = f'[{prefix}nginx]\nserver-name = "{framework.package}.example.org"\n'
    file.write_text(f"{before}{framework.add}\ntargets = {TARGETS}\n{head}{after}\n{site}")
    return project


def built(projects: list[Path], suite: str) -> list[Path]:
    """Build ``projects`` as it is typed, a few side by side; return the debs."""

    def build(project: Path) -> Path:
        debonair(project, "build", "--target", f"{suite}-amd64", "--out", out)
        (deb,) = out.glob(f"{BY_NAME[project.name].package}_*.deb")
        return deb

    out = Path(tempfile.mkdtemp(dir=projects[0].parent))
    with ThreadPoolExecutor() as pool:
        return list(pool.map(build, projects))


def changed(project: Path) -> None:
    """Make version 2 of ``project``."""
    for pattern in ("*.py", "*.html", "*.jinja2"):
        for path in project.rglob(pattern):
            path.write_text(path.read_text().replace("version 1", "version 2"))
    settings = ("pyproject.toml", "debonair.toml", "setup.py")  # and no lock, which has versions too
    for path in (project / name for name in settings if (project / name).is_file()):
        version = re.compile(r'^( *version ?= ?)"[^"]*"', re.MULTILINE)
        path.write_text(version.sub(r'\1"2.0"', path.read_text()))


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return a folder of each, as ``init`` left it."""
    folder = tmp_path_factory.mktemp("projects")
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda name: initialised(name, folder), BY_NAME))


@pytest.fixture(scope="module")
def pi(boot: Boot, projects: list[Path]) -> Iterator[Pi]:
    """Return a Debian on which all of them were installed, used, and upgraded."""
    with boot("trixie") as machine:
        pi = Pi(machine, boot)
        debs = built(projects, "trixie")
        boot.bed.stock(machine, *debs)
        pi.install(debs)
        pi.shows(1)
        pi.open("flask_factory", "/create", title="Kept", body="by the upgrade")
        for project in projects:
            changed(project)
        pi.install(built(projects, "trixie"))
        yield pi


@pytest.mark.parametrize("name", BY_NAME)
def test_it_is_served_and_upgraded(pi: Pi, name: str) -> None:
    framework = BY_NAME[name]
    assert framework.page.format(2) in pi.open(name).text
    if framework.static:
        style = pi.open(name, framework.static)
        assert (style.status, style.headers["content-type"]) == (200, "text/css")
        assert "expires" in style.headers, "by nginx"


def test_flasks_data_are_kept(pi: Pi) -> None:
    assert "<article>Kept: by the upgrade</article>" in pi.open("flask_factory").text
    visits = [int(pi.open("flask_blueprints").text.rpartition(" ")[2]) for _ in range(2)]
    assert visits[1] == visits[0] + 1 > 2, "those of version 1 are counted"
    assert pi.open("flask_blueprints", "/nowhere").text == "Not found by the microblog"


def test_an_old_manage_py_has_commands_in_debian_12_alone(pi: Pi) -> None:
    argv = ["flask-script", "run", "python", "-m", "manage", "version"]
    assert "has no attribute 'func_stack'" in pi.machine.run(argv, check=False).stderr


def test_djangos_admin_has_its_style_and_lets_its_user_in(pi: Pi) -> None:
    pi.run(
        "django",
        *("env", "DJANGO_SUPERUSER_PASSWORD=s3cret", "python", "-m", "manage", "createsuperuser"),
        *("--noinput", "--username", "ada", "--email", "ada@example.org"),
    )
    page = pi.open("django", "/admin/login/")
    for href in re.findall(r'<link rel="stylesheet" href="([^"]+)"', page.text):
        style = pi.open("django", href)
        assert (style.status, style.headers["content-type"], "expires" in style.headers) == (
            200,
            "text/css",
            True,
        )
    token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[0]
    answer = pi.open(
        "django",
        "/admin/login/?next=/admin/",
        cookie=page.headers["set-cookie"].partition(";")[0],
        csrfmiddlewaretoken=token,
        username="ada",
        password="s3cret",
    )
    assert (answer.status, answer.headers.get("location")) == (302, "/admin/"), answer.text


def test_debian_12_serves_them(boot: Boot, projects: list[Path]) -> None:
    with boot("bookworm") as machine:
        pi = Pi(machine, boot)
        debs = built(projects, "bookworm")
        boot.bed.stock(machine, *debs)
        pi.install(debs)
        pi.shows(2)
        output = pi.run("flask_script", "python", "-m", "manage", "version")
        assert output == "version 2, by its manage.py\n"
