"""The way of a visitor to the app through nginx: what closes it, and what an owner may change."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import call
import pi
import probe
import pytest
import visit
from nginx_site import Site
from probe import Page
from release import Home, Release
from visit import Door

PART = "/usr/lib/guestbook/current/nginx/server.conf"
GOOD = f"server {{\n  listen 80;\n  listen [::]:80;\n  server_name $hostname ~x;\n  include {PART};\n}}\n"
HOLDERS = visit.holders
BUT = ", but the app answers on its own socket"
DUMP = """\
# configuration file /etc/nginx/nginx.conf:
http {}
# configuration file {link}:
{site}
# configuration file /usr/lib/guestbook/current/nginx/server.conf:
"""


class Nginx:
    """An nginx that accepts its configuration, has loaded it, and answers."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.status = 0
        self.text = DUMP.replace("{link}", str(site.link)).replace("{site}", GOOD)
        self.answers = [(200, "")]
        self.asked: list[Door] = []
        self.app = ""

    def call(self, *_: object, **__: object) -> tuple[int, str]:
        return self.status, self.text

    def ask(self, door: Door, _: str) -> tuple[int, str]:
        self.asked.append(door)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def release(tmp_path: Path) -> Release:
    return pi.serve(pi.home(tmp_path), "1.0")


@pytest.fixture
def site(tmp_path: Path, release: Release) -> Site:
    found = Site(Home(pi.APP, tmp_path))
    for path in (found.file, found.link):
        path.parent.mkdir(parents=True)
    write(found, GOOD)
    found.written.write_text(found.file.read_text())
    found.link.symlink_to(found.file)
    return found


def write(site: Site, text: str) -> None:
    site.file.write_text(text.replace("/usr/lib/guestbook", str(site.home.lib)))


@pytest.fixture
def nginx(site: Site, monkeypatch: pytest.MonkeyPatch) -> Nginx:
    found = Nginx(site)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(call, "call", found.call)
    monkeypatch.setattr(visit, "ask", found.ask)
    monkeypatch.setattr(visit, "app_at", lambda _: found.app)
    monkeypatch.setattr(visit, "_changed_since", lambda _: False)
    monkeypatch.setattr(probe, "page", lambda *_, **__: Page(200))
    monkeypatch.setattr("time.sleep", lambda _: None)
    return found


def problems(site: Site, release: Release, page: Page = Page(200)) -> list[str]:  # noqa: B008 - it is frozen
    return visit.problems(site, release, page)


def test_a_visitor_gets_the_page(site: Site, release: Release, nginx: Nginx) -> None:
    assert problems(site, release) == []
    assert nginx.asked == [Door(80, "localhost")]


def test_a_configuration_that_nginx_refuses(site: Site, release: Release, nginx: Nginx) -> None:
    nginx.status, nginx.text = (
        1,
        "x\n2026/11/30 07:08:57 [emerg] 27#27: unknown directive in /etc/x:3\nnginx: bad\n",
    )
    message = "nginx refuses its configuration, and keeps an older one: unknown directive in /etc/x:3"
    assert problems(site, release) == [f"{message}: {visit.reload()}"]


@pytest.mark.parametrize("status", [call.MISSING, call.TIMED_OUT])
def test_one_that_nobody_can_see_is_no_problem(
    site: Site, release: Release, nginx: Nginx, status: int
) -> None:
    nginx.status, nginx.text = status, "half"
    assert problems(site, release) == []


def test_sites_that_nginx_does_not_read(site: Site, release: Release, nginx: Nginx) -> None:
    nginx.text = "# configuration file /etc/nginx/nginx.conf:\nhttp {}\n"
    (told,) = problems(site, release)
    assert told.startswith(
        f"{site.nginx}/nginx.conf does not include {site.link}: write the line 'include "
    )
    assert told.endswith(visit.reload())


@pytest.mark.parametrize("root", [True, False])
def test_a_site_without_the_app(
    site: Site, release: Release, nginx: Nginx, monkeypatch: pytest.MonkeyPatch, *, root: bool
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0 if root else 7)
    write(site, "server {\n  # include it\n}\n")
    nginx.text = f"# configuration file {site.link}:\nserver {{}}\n"
    (told,) = problems(site, release)
    assert told.startswith(
        f"{site.file} does not include the app: write the line 'include {site.home.current}/nginx/"
    )
    assert told.endswith(visit.reload())


def test_a_site_of_ones_own_may_use_the_socket(site: Site, release: Release, nginx: Nginx) -> None:
    own = "server {\n  location / { uwsgi_pass unix:/run/guestbook/web.sock; }\n}\n"
    write(site, own)
    nginx.text = f"# configuration file {site.link}:\n{own}"
    assert problems(site, release) == []


@pytest.mark.parametrize("status", [301, 401, 403, 404, 421, 429, 0])
def test_the_answer_of_an_edited_site_is_its_owners(
    site: Site, release: Release, nginx: Nginx, status: int
) -> None:
    write(site, f"# mine\n{GOOD}")
    nginx.answers = [(status, "")]
    assert problems(site, release) == []


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((404, ""), "answers 404 for localhost, which is not the app: sudo nginx -T"),
        ((421, ""), "answers 421 for localhost, which is not the app: sudo nginx -T"),
        (
            (502, ""),
            f"answers 502 through nginx{BUT}: sudo tail /var/log/nginx/error.log",
        ),
        (
            (0, "Connection refused"),
            f"does not answer (Connection refused){BUT}: sudo systemctl restart nginx",
        ),
    ],
)
def test_a_page_that_is_not_the_apps(
    site: Site, release: Release, nginx: Nginx, answer: tuple[int, str], message: str
) -> None:
    nginx.answers = [answer]
    assert problems(site, release) == [f"http://127.0.0.1:80/healthz?full=1 {message}"]
    nginx.answers = [(502, ""), (200, "")]  # it was just restarted
    assert problems(site, release) == []


@pytest.mark.parametrize("answer", [(504, ""), (0, "no answer within 10 seconds")])
@pytest.mark.parametrize(
    ("page", "seconds", "message"),
    [
        (
            Page(200),
            9,
            "the app needs 9 seconds for an answer on its own socket, so nginx is not the cause.",
        ),
        (
            Page(problem="only 9 bytes of an answer within 10 seconds"),
            10,
            "the app does not answer: only 9 bytes of an answer within 10 seconds on its own socket, so ",
        ),
    ],
)
def test_a_slow_app_is_not_blamed_on_nginx(
    site: Site,
    release: Release,
    nginx: Nginx,
    *,
    answer: tuple[int, str],
    page: Page,
    seconds: float,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = pi.Clock(monkeypatch)

    def slow(*_: object, **__: object) -> Page:
        clock.now += seconds
        return page

    monkeypatch.setattr(probe, "page", slow)
    nginx.answers = [answer]
    (told,) = problems(site, release)
    assert told.startswith(message)
    assert told.endswith("Its messages: sudo guestbook logs")


def test_whoever_may_not_ask_the_app_blames_nobody_else(
    site: Site, release: Release, nginx: Nginx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "page", lambda *_, **__: Page(forbidden=True))
    nginx.answers = [(502, "")]
    (told,) = problems(site, release)
    assert told.endswith("answers 502 through nginx: sudo tail /var/log/nginx/error.log")


def test_another_app_has_the_name(site: Site, release: Release, nginx: Nginx) -> None:
    nginx.app = "chat"
    (told,) = problems(site, release)
    assert told == "port 80 shows chat at the name localhost, which both have: sudo nginx -T"
    nginx.app = "guestbook"
    assert problems(site, release) == []


@pytest.mark.parametrize("page", [Page(500), Page(asleep=True), Page(problem="it does not run")])
def test_an_app_that_does_not_answer_itself_is_not_asked_again(
    site: Site, release: Release, nginx: Nginx, page: Page
) -> None:
    assert problems(site, release, page) == []
    assert nginx.asked == []


@pytest.mark.parametrize(
    ("listen", "name", "door"),
    [
        ("listen 8080 default_server;", "server_name _;", Door(8080, "localhost")),
        ("listen 127.0.0.1:81;", "", Door(81, "localhost")),
        ("listen *:80;", "server_name a.example ~x;", Door(80, "a.example")),
        ("listen 80;", "server_name a.example localhost;", Door(80, "localhost")),
        ("listen 443 ssl;", "server_name a.example;", Door(443, "a.example", tls=True)),
        ("listen 8443 ssl http2;\n  listen 80;", "server_name a.example;", Door(80, "a.example")),
        ("listen 443 quic;", "server_name a.example;", None),
        ("listen 443 ssl proxy_protocol;", "server_name a.example;", None),
        ("listen 192.168.1.2:80;", "server_name _;", None),
        ("# listen 80;", "server_name _;", None),
        ("listen unix:/run/x;", "", None),
    ],
)
def test_where_the_site_answers(release: Release, listen: str, name: str, door: Door | None) -> None:
    other = "server {\n  listen 99;\n  return 421;\n}\n"
    text = f"{other}server {{\n  {listen}\n  {name}\n  include {PART};\n}}\n{other}"
    assert visit.door_of(text, release) == door
    assert visit.door_of(text * 2, release) is None


class TestLoaded:
    @pytest.fixture(autouse=True)
    def started(self, monkeypatch: pytest.MonkeyPatch) -> dict[int, float]:
        found = {5: 1000.0, 6: 900.0}
        monkeypatch.setattr(probe, "children", lambda _: list(found))
        monkeypatch.setattr(visit, "_started", lambda pid: found[pid])
        monkeypatch.setattr("time.sleep", lambda _: None)
        return found

    @pytest.mark.parametrize(
        ("changed", "late"), [(990, False), (1001, False), (1010, True), (9e12, False)]
    )
    def test_a_site_that_changed_later(self, site: Site, changed: float, *, late: bool) -> None:
        os.utime(site.link, (0, 0), follow_symlinks=False)
        os.utime(site.file, (changed, changed))
        assert visit._changed_since(site) is late

    def test_it_is_told(
        self, site: Site, release: Release, nginx: Nginx, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(visit, "_changed_since", lambda _: True)
        assert problems(site, release) == [
            f"{site.file} has changed since nginx loaded it: {visit.reload()}"
        ]

    def test_what_is_unknown_is_no_problem(self, site: Site, started: dict[int, float]) -> None:
        started.clear()
        assert not visit._changed_since(site)
        site.link.unlink()
        started[5] = 1.0
        assert not visit._changed_since(site)


def test_when_a_process_started() -> None:
    assert visit._started(os.getpid()) > 1_000_000_000
    assert visit._started(2**30) == 0.0


class TestAsk:
    @pytest.mark.parametrize(
        ("answer", "found"),
        [
            (b"HTTP/1.1 503 No\r\n\r\n", (503, "")),
            (b"SSH-2.0\r\n", (0, "")),
            (b"", (0, "")),
            (ConnectionRefusedError(111, "Connection refused"), (0, "Connection refused")),
            (TimeoutError(), (0, "no answer within 10 seconds")),
            (OSError(5, "x"), (0, "")),
        ],
    )
    def test_answers(
        self, monkeypatch: pytest.MonkeyPatch, answer: bytes | OSError, found: tuple[int, str]
    ) -> None:
        def connect(*_: object, **__: object) -> pi.Answering:
            if isinstance(answer, OSError):
                raise answer
            return pi.Answering(answer)

        monkeypatch.setattr("socket.create_connection", connect)
        assert visit.ask(Door(80, "localhost"), "/") == found


@pytest.mark.parametrize(("wrong", "found"), [(None, (200, "")), (ValueError("name"), (0, ""))])
def test_a_door_with_tls_is_asked_by_its_name(
    monkeypatch: pytest.MonkeyPatch, wrong: Exception | None, found: tuple[int, str]
) -> None:
    names: list[str] = []

    def wrap(context: ssl.SSLContext, connection: pi.Answering, *, server_hostname: str) -> pi.Answering:
        assert context.verify_mode == ssl.CERT_NONE
        names.append(server_hostname)
        if wrong:
            raise wrong
        return connection

    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", wrap)
    monkeypatch.setattr("socket.create_connection", lambda *_, **__: pi.Answering(b"HTTP/1.1 200 OK\r\n"))
    assert visit.ask(Door(443, "a.example", tls=True), "/") == found
    assert names == ["a.example"]


HEAD = b"HTTP/1.1 200 OK\r\nServer: nginx\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (HEAD + b"guestbook\n", "guestbook"),
        (HEAD + b"chat\n", ""),  # not installed
        (HEAD + b"guestbook", ""),
        (HEAD + b"../guestbook\n", ""),
        (HEAD + b"guestbook\n\x1b[2J", ""),
        (b"HTTP/1.1 404 No\r\n\r\nguestbook\n", ""),
        (HEAD + b"x" * 5000, ""),
        (b"", ""),
        (ConnectionRefusedError(111, "Connection refused"), ""),
    ],
)
def test_which_app_nginx_names(monkeypatch: pytest.MonkeyPatch, answer: bytes | OSError, name: str) -> None:
    def connect(*_: object, **__: object) -> pi.Answering:
        if isinstance(answer, OSError):
            raise answer
        return pi.Answering(answer)

    monkeypatch.setattr("socket.create_connection", connect)
    monkeypatch.setattr(Path, "is_file", lambda path: path.parts[-3] == "guestbook")
    assert visit.app_at(Door(80, "localhost")) == name


class TestStopped:
    @pytest.fixture(autouse=True)
    def test(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, str]]:
        """What nginx says about its configuration, to root."""
        found = [(0, "")]
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        monkeypatch.setattr(call, "call", lambda *_, **__: found[0])
        monkeypatch.setattr(visit, "holders", lambda _: [])
        return found

    def test_a_configuration_that_keeps_it_from_starting(
        self, site: Site, test: list[tuple[int, str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        line = 'unknown directive "nonsense" in /etc/nginx/sites-enabled/other:1'
        test[0] = 1, f"2026/11/30 18:11:39 [emerg] 1858#1858: {line}\nnginx: test failed\n"
        assert visit.stopped(site, "failed") == (
            f"nginx does not run (failed), because it refuses its configuration: {line}. "
            "Correct that file, then: sudo systemctl start nginx"
        )
        monkeypatch.setattr(os, "geteuid", lambda: 1000)  # who may not read all of it
        assert visit.stopped(site, "failed") == "nginx does not run (failed): sudo systemctl start nginx"

    @pytest.mark.parametrize("status", [0, call.MISSING, call.TIMED_OUT])
    def test_an_nginx_that_was_only_stopped(
        self, site: Site, test: list[tuple[int, str]], status: int
    ) -> None:
        test[0] = status, ""
        assert (
            visit.stopped(site, "inactive") == "nginx does not run (inactive): sudo systemctl start nginx"
        )

    def test_who_has_the_port(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(visit, "holders", lambda port: [7] if port == 80 else [])
        texts = {"/proc/7/comm": "apache2\n", "/proc/7/cgroup": "0::/system.slice/apache2.service\n"}
        read = visit._text
        monkeypatch.setattr(visit, "_text", lambda file: texts.get(str(file)) or read(file))
        assert visit.stopped(site, "failed") == (
            "nginx does not run (failed), because port 80 is taken by apache2 (process 7): "
            "sudo systemctl disable --now apache2.service && sudo systemctl start nginx"
        )
        texts["/proc/7/cgroup"] = "0::/user.slice/session-1.scope\n"
        assert visit.stopped(site, "failed").endswith(
            "(process 7). Stop it, then: sudo systemctl start nginx"
        )
        monkeypatch.setattr(visit, "holders", lambda _: [0])
        assert "port 80 is taken by another program. Stop it" in visit.stopped(site, "failed")
        texts["/proc/0/comm"] = "nginx"
        assert visit.stopped(site, "failed") == "nginx does not run (failed): sudo systemctl start nginx"

    def test_no_port_is_taken_where_nobody_listens(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(visit, "holders", HOLDERS)
        table = "head\n0: 00000000:0050 00000000:0000 0A 0:0 0:0 0 0 0 4242 1\n"
        monkeypatch.setattr(visit, "_text", lambda file: table if file.name == "tcp" else "")
        assert visit.holders(80) == [0]
        assert visit.holders(81) == []
