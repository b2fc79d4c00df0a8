"""``debonair repo`` as it is typed, with somebody else's signature, and debs read in this process."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from debs import EPOCH, make_deb
from reading import Here
from scribe import Scribe

from debonair.cli import main as cli
from debonair.cli.repo import publisher
from debonair.cli.repo.main import repo
from debonair.repository import landing_page

DAY = 86400


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("DEBONAIR_REPOSITORY", "apt")
    monkeypatch.setenv("DEBONAIR_PUBLISHER", "ada@example")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(EPOCH))
    monkeypatch.setattr("debonair.repository.signing.Gpg", Scribe)
    monkeypatch.setattr("debonair.deb.reader_pool.Pool", Here)
    monkeypatch.setattr(os, "fsync", lambda _: None)


def run(*words: str | Path, code: int = 0) -> str:
    """Run a verb; return what it said on standard output, or why it was refused."""
    done = CliRunner().invoke(cli.main, ["repo", *map(str, words)])
    assert done.exit_code == code, done.output
    assert "Traceback" not in done.output
    assert (done.stdout == "") == bool(code)
    return done.stderr if code else done.stdout


@pytest.fixture
def made() -> str:
    return run("init", "apt", "--name", "acme", "--url", "https://apt.example.org/")


@pytest.fixture
def deb(tmp_path: Path) -> Callable[..., Path]:
    return lambda version="1.0", **more: make_deb(tmp_path / "debs", version=f"{version}-1+deb13", **more)


VERBS = sorted(repo.commands)


def test_the_verbs() -> None:
    assert " ".join(VERBS) == (
        "add bootstrap history init list promote prune publish renew rollback rollout rotate-key serve "
        "trust verify"
    )


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str) -> None:
    assert run(verb, "-h").startswith("Usage: ")
    for parameter in repo.commands[verb].params:
        if parameter.param_type_name == "option":
            assert getattr(parameter, "help", ""), parameter.name


class TestInit:
    def test_it_says_the_fingerprint_and_where_the_key_is(self, made: str, tmp_path: Path) -> None:
        fingerprint = json.loads(Path("apt/index.json").read_text())["fingerprints"][0]
        home = tmp_path / "config/debonair/repositories/acme/gnupg"
        kept = f"Kept: {home}; back it up in a safe place"
        assert made == f"apt: repository 'acme'\nKey:  {fingerprint}\n{kept}\n"

    def test_it_is_made_once(self, made: str) -> None:
        assert "There is already a repository in apt." in run("init", "apt", "--name", "other", code=11)
        assert "already has keys of a repository 'acme'." in run("init", "b", "--name", "acme", code=11)
        assert "is not a valid name of a repository." in run("init", "b", "--name", "B", code=11)
        assert not Path("b").exists()

    def test_a_key_of_ones_own(self, tmp_path: Path) -> None:
        output = run("init", "apt", "--name", "acme", "--key", "AB" * 20)
        assert f"Key:  {'AB' * 20}\nKept: in your GnuPG home" in output
        assert not (tmp_path / "config/debonair/repositories").exists()
        assert "has no address for clients yet." in run("bootstrap", code=11)
        assert "acme-archive-keyring" not in run("history")
        assert "https://x.example.org/bootstrap/acme-" in run("bootstrap", "--url", "https://x.example.org")
        assert "pi:$P" in run("bootstrap", "--login", "pi")

    def test_a_disk_that_is_full_leaves_no_key(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object) -> None:
            raise OSError(28, "x")

        monkeypatch.setattr(os, "fsync", full)
        assert "There is no space left" in run("init", "apt", "--name", "acme", code=9)
        assert not (tmp_path / "config/debonair/repositories/acme").exists()
        monkeypatch.setattr(os, "fsync", lambda _: None)
        run("init", "apt", "--name", "acme")

    def test_the_home_of_the_keys(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("XDG_CONFIG_HOME")
        monkeypatch.setenv("HOME", "/home/ada")
        assert publisher.keys("acme") == Path("/home/ada/.config/debonair/repositories/acme/gnupg")


def test_a_release_from_first_to_last(made: str, deb: Callable[..., Path]) -> None:
    assert run("add", deb("1.0")) == "hello 1.0-1+deb13 amd64 in trixie\n"
    assert run("add", deb("1.0")) == "This version is already published.\n"
    run("add", deb("1.1"), "--channel", "testing")
    assert run("promote", "hello", "1.1", "--percent", "10") == (
        "hello 1.1-1+deb13 amd64 from trixie-testing to trixie, for 10 %\n"
    )
    assert run("rollout", "hello", "1.1", "--percent", "50") == "hello 1.1-1+deb13 amd64 in trixie: 50 %\n"
    assert "hello                 trixie            1.1-1+deb13  amd64  50 %\n" in run("list")
    assert run("rollout", "hello", "1.1", "--halt") == "hello 1.1-1+deb13 amd64 in trixie: halted\n"
    assert "trixie            1.1-1+deb13  amd64  halted\n" in run("list")
    assert run("rollback", "hello") == "hello returned to 1.0-1+deb13 amd64 in trixie\n"
    assert run("rollback", "hello", "1.0") == ("Nothing to change: this version is already offered.\n")
    listed = json.loads(run("list", "--json"))
    assert listed["hello"]["suites"]["trixie"][0]["version"] == "1.0-1+deb13"
    assert run("renew") == "all suites signed again\n"
    assert run("verify").startswith("apt: 6 suites are healthy, signed by 0")
    verbs = [line.split()[-1] for line in run("history").splitlines() if line[:7].strip()]
    assert verbs == ["renew", "rollback", "rollout", "rollout", "promote", "add", "add", "init"]
    newest, *older = json.loads(run("history", "--json"))
    assert len(older) == 7
    assert (newest["who"], newest["date"], newest["generation"]) == ("ada@example", EPOCH, 8)


def test_the_page(made: str, deb: Callable[..., Path], golden: Callable[[str, str], None]) -> None:
    run("add", deb("1.0", description="x"), deb("1.0", package="other", architecture="arm64"))
    run("add", deb("1.1"), "--percent", "10")
    offered = msgspec.json.decode(Path("apt/index.json").read_bytes(), type=landing_page.Index)
    same = msgspec.structs.replace(
        offered, fingerprints=("AB" * 20,), bootstrap="the <line> & more", packages={}
    )
    packages = {
        name: landing_page.App(
            app.synopsis,
            {
                suite: tuple(msgspec.structs.replace(offer, size=1_234_567) for offer in offers)
                for suite, offers in app.suites.items()
            },
            app.date,
        )
        for name, app in offered.packages.items()
    }
    golden("repo/index.html", landing_page.html(msgspec.structs.replace(same, packages=packages)))
    many = {f"app{number:03}": packages["hello"] for number in range(501)}
    html = landing_page.html(msgspec.structs.replace(same, packages=many))
    assert '<p>1 more are in <a href="index.json">' in html
    assert "app500" not in html


def test_a_time_that_a_build_has_left(made: str, monkeypatch: pytest.MonkeyPatch) -> None:
    done = CliRunner().invoke(cli.main, ["repo", "renew"])
    assert done.stderr == (
        "SOURCE_DATE_EPOCH is set: signatures are now dated Tue, 14 Nov 2023 22:13:20 UTC.\n"
    )
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert CliRunner().invoke(cli.main, ["repo", "renew"]).stderr == ""


def test_rotate_key(made: str) -> None:
    assert "signed by" in run("rotate-key")
    assert "signed by" in run("rotate-key", "--key", "CD" * 20)
    assert run("rotate-key", "--finish").count("no longer signed by") == 2
    assert "so no older key can be removed." in run("rotate-key", "--finish", code=11)
    assert "CD" * 20 in run("verify")


def test_prune(made: str, deb: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ("1.0", "1.1", "1.2"):
        run("add", deb(version))
    assert run("prune").startswith("0 files removed")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "4000000000")
    output = run("prune", "--keep", "1", "--older-than", "30d")
    assert output.startswith("hello 1.0-1+deb13 amd64 in trixie\nhello 1.1-1+deb13 amd64 in trixie\n")
    assert [path.name for path in Path("apt/pool/h/hello").iterdir()] == ["hello_1.2-1+deb13_amd64.deb"]
    assert "is not a number of days" in run("prune", "--older-than", "soon", code=2)


def test_verify_names_apps_without_a_deb_for_the_next_release(made: str, deb: Callable[..., Path]) -> None:
    run("add", "--suite", "bookworm", deb("1.0"))
    done = CliRunner().invoke(cli.main, ["repo", "verify"])
    assert (done.exit_code, done.stdout.count("\n")) == (0, 1)
    assert done.stderr.startswith(
        "Note: bookworm has apps without a deb in trixie: hello (amd64). Publish those debs before a "
        "machine is upgraded to Debian"
    )


def test_verify_says_what_is_wrong(made: str) -> None:
    Path("apt/dists/trixie/InRelease").unlink()
    output = run("verify", code=11)
    assert "apt has 1 problem:\n  dists/trixie/InRelease is missing." in output


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["rollout", "hello", "1.0"], 2, "Use one of --percent N and --halt."),
        (["rollout", "hello", "1.0", "--halt", "--percent", "1"], 2, "Use one of --percent N and --halt."),
        (["rollback", "hello"], 11, "has a package hello"),
        (["rollback", "hello", "--suite", "sid"], 11, "has no suite 'sid'"),
        (["add", "none.deb"], 7, "There is no file none.deb"),
        (["list", "-r", "nothing"], 11, "There is no repository in nothing"),
        (["bootstrap", "--url", "x"], 11, "is not an address"),
        (["serve", "-r", "nothing"], 11, "There is no repository in nothing"),
        (["serve", "--logins", "none"], 11, "none is not readable"),
    ],
)
def test_refused(made: str, words: list[str], code: int, message: str) -> None:
    assert message in run(*words, code=code)


@pytest.mark.parametrize("verbose", [True, False])
def test_serve(made: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, verbose: bool) -> None:
    served: dict[str, Any] = {}

    class Server:
        server_port = 80

        def __enter__(self) -> Server:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def end(self, *_: object) -> None:
            raise KeyboardInterrupt

        def serve_forever(self, poll_interval: float) -> None:
            served["log"]("GET /")
            handlers[signal.SIGTERM](signal.SIGTERM, None)

    def server(root: Path, host: str, port: int, **more: Any) -> Server:
        served.update(root=root, host=host, port=port, **more)
        return Server()

    handlers: dict[int, Callable[..., None]] = {}
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)
    monkeypatch.setattr("debonair.repository.http_server.server", server)
    (tmp_path / "logins").write_text("pi:secret\n")
    words = [*(["-v"] if verbose else []), "repo", "serve", "--port", "0", "--logins", "logins"]
    done = CliRunner().invoke(cli.main, words)
    assert (done.exit_code, done.stdout) == (0, "")
    assert ("GET /" in done.stderr) == verbose
    assert "http://127.0.0.1:80/ serves apt until you press Ctrl-C.\n" in done.stderr
    assert (served["host"], served["port"], served["accounts"]) == ("127.0.0.1", 0, {"pi:secret"})


def test_who(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEBONAIR_PUBLISHER")
    monkeypatch.setattr("platform.node", lambda: "pi")
    monkeypatch.setattr("getpass.getuser", lambda: "ada")
    assert publisher.who() == "ada@pi"

    def nobody() -> str:
        raise KeyError

    monkeypatch.setattr("getpass.getuser", nobody)
    monkeypatch.setattr(os, "getuid", lambda: 7)
    assert publisher.who() == "7@pi"


def test_an_existing_home_signs(made: str) -> None:
    assert publisher.signer("acme").home == publisher.keys("acme")
    assert publisher.signer("other").home is None


def test_a_page_escapes_what_packages_say() -> None:
    offer = landing_page.Offer("1.0", "arm64", 1, 0, 'pool/"><script>')
    app = landing_page.App("<b>bold</b> & more", {"<suite>": (offer,)}, 0)
    index = landing_page.Index("<i>", "", 1, 0, (), "echo <hi> && x", {"<u>": app})
    html = landing_page.html(index)
    assert "<td>&lt;suite&gt;</td>" in html
    assert 'href="pool/&#34;&gt;&lt;script&gt;"' in html
    assert "<p>&lt;b&gt;bold&lt;/b&gt; &amp; more</p>" in html
    assert "<code>echo &lt;hi&gt; &amp;&amp; x</code>" in html
    for raw in ("<i>", "<u>", "<b>", "<suite>", "<hi>"):
        assert raw not in html


class TestReview:
    """A change that reaches machines can be rehearsed, and a person is asked."""

    CHANGES = (
        ("add", "{deb}"),
        ("publish", "{deb}", "--to", "apt"),
        ("promote", "hello", "1.0", "--from", "stable", "--to", "testing"),
        ("rollout", "hello", "1.0", "--percent", "10"),
        ("rollback", "hello", "0.9"),
        ("prune", "--keep", "1", "--older-than", "0"),
        ("rotate-key",),
    )

    @pytest.fixture(autouse=True)
    def _two(self, made: str, deb: Callable[..., Path]) -> None:
        del made
        for version in ("0.8", "0.9", "1.0"):
            run("add", deb(version))

    @pytest.fixture
    def words(self, request: pytest.FixtureRequest, deb: Callable[..., Path]) -> list[str]:
        return [word.format(deb=deb("1.1")) for word in request.param]

    def files(self) -> dict[Path, bytes]:
        return {
            path: path.read_bytes()
            for folder in ("apt", "config")
            for path in Path(folder).rglob("*")
            if path.is_file()
        }

    @pytest.mark.parametrize("words", CHANGES, indirect=True)
    def test_a_rehearsal_changes_nothing(self, words: list[str]) -> None:
        before = self.files()
        done = CliRunner().invoke(cli.main, ["repo", *words, "--dry-run"])
        assert done.exit_code == 0, done.output
        assert done.stderr.endswith("Nothing was changed.\n")
        assert self.files() == before
        if words[0] not in ("rotate-key", "prune"):
            assert done.stdout == run(*words).replace("Clients read it at https://apt.example.org\n", "")

    def test_a_rehearsal_refuses_what_would_be_refused(self) -> None:
        assert "does not offer version 7" in run("rollout", "hello", "7", "--halt", "--dry-run", code=11)

    def test_a_rehearsal_counts_what_prune_would_remove(self) -> None:
        os.environ["SOURCE_DATE_EPOCH"] = str(EPOCH + 400 * DAY)
        for path in Path("apt").rglob("*"):
            os.utime(path, (EPOCH, EPOCH))
        words = ("prune", "--keep", "1", "--older-than", "90d")
        would = run(*words, "--dry-run").splitlines()
        assert list(Path("apt/pool").rglob("hello_0.8*.deb"))
        assert would[-1].partition(" ")[0] != "0"
        assert run(*words).splitlines()[:-1] == would[:-1]

    @pytest.mark.parametrize("words", CHANGES, indirect=True)
    @pytest.mark.parametrize("answer", ["n\n", ""])
    def test_a_person_may_say_no(
        self, words: list[str], answer: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("debonair.cli.repo.publisher.attended", lambda: True)
        before = self.files()
        done = CliRunner().invoke(cli.main, ["repo", *words], input=answer)
        assert done.exit_code == 1, done.output
        assert done.stdout == ""
        assert "Make this change in apt? [y/N]" in done.stderr
        assert self.files() == before

    @pytest.mark.parametrize("words", CHANGES, indirect=True)
    @pytest.mark.parametrize("more", [[], ["--yes"], ["-y"]])
    def test_a_person_may_say_yes(
        self, words: list[str], more: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("debonair.cli.repo.publisher.attended", lambda: True)
        before = self.files()
        done = CliRunner().invoke(cli.main, ["repo", *words, *more], input="y\n")
        assert done.exit_code == 0, done.output
        assert ("Make this change" in done.stderr) != bool(more)
        assert self.files() != before or words[0] == "prune"

    def test_nobody_is_asked_if_nothing_changes(
        self, deb: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("debonair.cli.repo.publisher.attended", lambda: True)
        assert run("add", deb("1.0")) == "This version is already published.\n"
        assert run("add", deb("1.0"), "--dry-run") == "This version is already published.\n"

    def test_the_next_step(self, deb: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("debonair.cli.output.attended", lambda: True)
        done = CliRunner().invoke(cli.main, ["repo", "add", str(deb("1.1"))])
        assert done.stderr.splitlines()[-1] == "Next: debonair repo bootstrap"
        words = ["repo", "rollout", "hello", "1.1", "--percent", "10", "-r", "./apt"]
        done = CliRunner().invoke(cli.main, words)
        assert done.stderr.splitlines()[-1] == (
            "Next: debonair repo rollout hello 1.1 --percent 100 --channel stable -r ./apt"
        )


class TestVerifyForPrograms:
    def test_a_healthy_repository(self, made: str, deb: Callable[..., Path]) -> None:
        del made
        run("add", deb("1.0"))
        found = json.loads(run("verify", "--json"))
        assert list(found) == ["repository", "suites", "keys", "problems", "notes"]
        assert (found["repository"], found["problems"]) == ("apt", [])
        assert "trixie" in found["suites"]
        assert found["keys"] == json.loads(Path("apt/index.json").read_text())["fingerprints"]

    def test_a_damaged_one(self, made: str, deb: Callable[..., Path]) -> None:
        del made
        run("add", deb("1.0"))
        next(Path("apt/pool").rglob("*.deb")).write_bytes(b"x")
        done = CliRunner().invoke(cli.main, ["repo", "verify", "--json"])
        assert (done.exit_code, done.stderr) == (11, "")
        assert json.loads(done.stdout)["problems"]
