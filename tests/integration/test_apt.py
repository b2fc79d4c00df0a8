"""A repository before apt, gpg and apt-ftparchive."""

from __future__ import annotations

import json
import lzma
import re
import shlex
import shutil
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest
from aptclient import Client
from debs import make_deb
from publisher import repo, served

from debonair.deb import deb822
from debonair.host import run
from debonair.repository import release, signing

NAME = "acme"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("DEBONAIR_REPOSITORY", str(tmp_path / "apt"))
    monkeypatch.setenv("DEBONAIR_PUBLISHER", "ada@example")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    repo("init", tmp_path / "apt", "--name", NAME, "--url", "http://127.0.0.1:9")
    return tmp_path / "apt"


def client(root: Path, uri: str = "", name: str = "client", **more: str) -> Client:
    return Client(root.parent / name, uri or f"file:{root}", root / "acme-archive-keyring.gpg", **more)


def pinned(machine: Client) -> Client:
    """Give a client what the bootstrap deb gives a machine."""
    for template in ("archive.pref.in", "archive.conf.in"):
        text = (
            (Path(__file__).parents[2] / "packaging/repo" / template)
            .read_text()
            .replace("{{ name }}", NAME)
        )
        if template == "archive.pref.in":
            machine.preferences.write_text(text)
        else:
            machine.configure(text)
    return machine


class TestClients:
    def test_an_empty_suite_is_valid(self, root: Path) -> None:
        for suite in ("bookworm", "trixie", "trixie-testing", "forky"):
            assert client(root, name=suite, suite=suite).update() == ""
        assert "6 suites are healthy, signed by" in repo("verify")

    @pytest.mark.parametrize("scheme", ["file", "http"])
    def test_a_deb_is_fetched(self, root: Path, scheme: str, tmp_path: Path) -> None:
        deb = make_deb(tmp_path)
        repo("add", deb)
        with served(root) as (address, log):
            machine = client(root, address if scheme == "http" else "")
            assert machine.update() == ""
            assert machine.would("install", "hello") == ["hello 1.0-1+deb13"]
            done = machine.run("install", "--yes", "--download-only", "hello")
            assert done.status == 0, done.stderr
            if scheme == "http":
                assert any("by-hash/SHA256" in line for line in log)
            if scheme == "http":
                (got,) = (machine.folder / "cache/archives").glob("*.deb")
                assert got.read_bytes() == deb.read_bytes()

    def test_a_list_that_did_not_change_is_not_sent_again(self, root: Path, tmp_path: Path) -> None:
        with served(root) as (address, log):
            machine = client(root, address)
            assert machine.update() == ""
            assert machine.update() == ""
            assert '"GET /dists/trixie/InRelease HTTP/1.1" 304' in log[-1]
            repo("add", make_deb(tmp_path))
            assert machine.update() == ""
            assert machine.would("install", "hello") == ["hello 1.0-1+deb13"]

    def test_a_private_repository(self, root: Path, tmp_path: Path) -> None:
        with served(root, frozenset({"pi:secret"})) as (address, _):
            machine = client(root, address)
            assert "401" in machine.update()
            auth = tmp_path / "client/etc/apt/auth.conf.d"
            auth.mkdir()
            (auth / "acme.conf").write_text(f"machine {address} login pi password secret\n")
            assert machine.update() == ""

    def test_a_broken_download_goes_on(self, root: Path, tmp_path: Path) -> None:
        deb = make_deb(tmp_path, files={"usr/share/hello/blob": "x" * 100_000})
        repo("add", deb)
        path = "pool/h/hello/hello_1.0-1+deb13_amd64.deb"
        data = deb.read_bytes()
        with served(root) as (address, _):
            for asked, expected, status in (
                ("bytes=10-19", data[10:20], 206),
                ("bytes=100-", data[100:], 206),
                ("bytes=-7", data[-7:], 206),
                ("bytes=0-99999999", data, 206),
                ("lines=1", data, 200),
            ):
                request = urllib.request.Request(f"{address}/{path}", headers={"Range": asked})
                with urllib.request.urlopen(request) as answer:
                    assert (answer.status, answer.read()) == (status, expected)
            for forbidden in ("state/head.json", ".lock", "..%2fapt%2findex.json", "pool", "nothing"):
                with pytest.raises(urllib.error.HTTPError, match="404"):
                    urllib.request.urlopen(f"{address}/{forbidden}")

    def test_apt_file_finds_what_is_in_a_deb(self, root: Path, tmp_path: Path) -> None:
        repo("add", make_deb(tmp_path), make_deb(tmp_path, "other", files={"usr/bin/greet": "x"}))
        machine = client(root)
        machine.configure(Path("/etc/apt/apt.conf.d/50apt-file.conf").read_text())
        assert machine.update() == ""
        done = machine.run("search", "bin/greet", program="apt-file")
        assert done.stdout == "other: /usr/bin/greet\n", done.stderr
        done = machine.run("list", "hello", program="apt-file")
        assert done.stdout == "hello: /usr/share/hello/version\n"


class TestChannels:
    def test_a_release_is_promoted_upgraded_to_and_rolled_back(self, root: Path, tmp_path: Path) -> None:
        repo("add", make_deb(tmp_path))
        machine = pinned(client(root))
        machine.update()
        machine.installed(make_deb(tmp_path, version="1.0-1+deb13"))
        repo("add", make_deb(tmp_path, version="1.1-1+deb13"), "--channel", "testing")
        assert machine.update() == ""
        assert machine.would("upgrade") == []
        assert "from trixie-testing to trixie" in repo("promote", "hello", "1.1", "--to", "stable")
        assert machine.update() == ""
        assert machine.would("upgrade") == ["hello 1.1-1+deb13"]
        machine.installed(make_deb(tmp_path, version="1.1-1+deb13"))
        assert repo("rollback", "hello") == "hello returned to 1.0-1+deb13 amd64 in trixie\n"
        assert machine.update() == ""
        assert machine.would("upgrade", "--yes") == ["hello 1.0-1+deb13"]
        repo("verify")

    def test_without_the_pin_nobody_goes_back(self, root: Path, tmp_path: Path) -> None:
        repo("add", make_deb(tmp_path))
        repo("add", make_deb(tmp_path, version="1.1-1+deb13"))
        repo("rollback", "hello")
        machine = client(root)
        machine.installed(make_deb(tmp_path, version="1.1-1+deb13"))
        assert machine.update() == ""
        assert machine.would("upgrade") == []

    def test_a_share_of_the_machines_takes_it(self, root: Path, tmp_path: Path) -> None:
        repo("add", make_deb(tmp_path))
        repo("add", make_deb(tmp_path, version="1.1-1+deb13"), "--percent", "0")
        # about 1 % of the machines are in every rollout; these two are not
        machine = pinned(client(root, machine="cafe" * 8))
        fresh = pinned(client(root, name="fresh", machine="cafe" * 8))
        machine.installed(make_deb(tmp_path, version="1.0-1+deb13"))
        for percent, taken in ((0, []), (99, ["hello 1.1-1+deb13"])):
            repo("rollout", "hello", "1.1", "--percent", str(percent))
            assert machine.update() == ""
            assert machine.would("upgrade") == taken
        assert "halted" in repo("rollout", "hello", "1.1", "--halt")
        assert machine.update() == ""
        assert machine.would("upgrade") == []
        machine.installed(make_deb(tmp_path, version="1.1-1+deb13"))
        assert machine.would("upgrade", "--yes") == [], "who has it keeps it"
        repo("rollout", "hello", "1.1", "--percent", "0")
        assert machine.update() == ""
        assert fresh.update() == ""
        assert fresh.would("install", "hello") == ["hello 1.0-1+deb13"], "a new machine is no exception"
        assert machine.would("upgrade", "--yes") == ["hello 1.0-1+deb13"], "0 % takes it back"

    def test_an_older_index_is_replayed(self, root: Path, tmp_path: Path) -> None:
        old = (root / "dists/trixie/InRelease").read_bytes()
        repo("add", make_deb(tmp_path))
        machine = client(root)
        assert machine.update() == ""
        (root / "dists/trixie/InRelease").write_bytes(old)
        machine.update()
        assert machine.would("install", "hello") == ["hello 1.0-1+deb13"]
        assert "InRelease does not belong to the newest change. Sign it again: debonair repo renew" in repo(
            "verify", code=11
        )
        repo("renew")
        repo("verify")


class TestKeys:
    def test_the_state_is_read_in_the_second_that_its_key_is_dated_in(self, tmp_path: Path) -> None:
        """gpg may date a key a second later than it is told, and gpgv refuses a key of the future."""
        now = int(time.time()) + signing.BACK - 2
        gpg = signing.Gpg(tmp_path / "home")
        key = gpg.create("acme archive key", now=now)
        assert now - signing.BACK <= key.created <= now
        seal = gpg.seal("text", [key.fingerprint], now=key.created)
        assert gpg.signers("text", seal, signing.keyring([key])) == (key.fingerprint,)
        assert gpg.signers("other", seal, signing.keyring([key])) == ()
        assert gpg.fingerprints() == (key.fingerprint,)

    def test_the_judges_know_the_signatures(self, root: Path, tmp_path: Path) -> None:
        keyring = root / "acme-archive-keyring.gpg"
        for path in root.glob("dists/*/InRelease"):
            run.run(["gpgv", "--keyring", keyring, path])
            run.run(
                ["gpgv", "--keyring", keyring, path.with_name("Release.gpg"), path.with_name("Release")]
            )
            run.run(["sqv", "--keyring", keyring, path.with_name("Release.gpg"), path.with_name("Release")])

    def test_a_key_is_rotated(self, root: Path, tmp_path: Path) -> None:
        repo("add", make_deb(tmp_path))
        awake, asleep = client(root), client(root, name="asleep")
        assert awake.update() == ""
        assert "signed by" in repo("rotate-key")
        assert awake.update() == "", "the old key signs still"
        awake.installed(make_deb(tmp_path, "apt", "2.6"))
        assert awake.would("install", "acme-archive-keyring") == ["acme-archive-keyring 2+deb13"]
        awake.keyring.write_bytes(keyring_in(root / "bootstrap/acme-trixie.deb", tmp_path))
        assert "signed by" in repo("rotate-key", "--finish")
        assert awake.update() == ""
        assert "NO_PUBKEY" in asleep.update()
        assert "so no older key can be removed." in repo("rotate-key", "--finish", code=11)
        repo("verify")

    def test_a_key_of_ones_own(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        home = Path(tempfile.mkdtemp())  # a socket's path must be short, and tmp_path is not: unix(7)
        monkeypatch.setenv("GNUPGHOME", str(home))
        try:
            make = ["gpg", "--batch", "--passphrase", "", "--quick-generate-key", "me", "ed25519", "cert"]
            run.run(make)
            listed = run.run(["gpg", "--with-colons", "--list-secret-keys"]).stdout
            fingerprint = re.findall(r"^fpr:+([0-9A-F]+):", listed, re.MULTILINE)[0]
            add = ["gpg", "--batch", "--passphrase", "", "--quick-add-key", fingerprint, "ed25519", "sign"]
            run.run(add)
            output = repo("init", tmp_path / "apt", "--name", NAME, "--key", fingerprint.lower())
            assert fingerprint in output
            assert not (tmp_path / "config/debonair/repositories").exists()
            assert client(tmp_path / "apt").update() == ""
            assert fingerprint in repo("verify")
            assert "Debonair does not create keys in your own GnuPG home." in repo("rotate-key", code=11)
            assert "The secret key" in repo("rotate-key", "--key", "0" * 40, code=11)
        finally:
            run.run(["gpgconf", "--kill", "gpg-agent"])
            shutil.rmtree(home, ignore_errors=True)  # the agent removes its sockets at the same time


def keyring_in(deb: Path, folder: Path) -> bytes:
    run.run(["dpkg-deb", "--extract", deb, folder / "extracted"])
    return (folder / "extracted/usr/share/keyrings/acme-archive-keyring.gpg").read_bytes()


class TestTampering:
    """What anybody between the repository and the client may try."""

    @pytest.fixture
    def machine(self, root: Path, tmp_path: Path) -> Client:
        repo("add", make_deb(tmp_path))
        return client(root)

    def flip(self, path: Path, at: int) -> None:
        data = bytearray(path.read_bytes())
        data[at] ^= 1
        path.write_bytes(data)

    @pytest.mark.parametrize(
        ("path", "at"),
        [
            ("dists/trixie/InRelease", 60),
            ("dists/trixie/InRelease", -60),
            ("dists/trixie/main/binary-amd64/Packages*", 40),
            ("dists/trixie/main/binary-amd64/by-hash/SHA256/*", 40),
        ],
    )
    def test_a_flipped_byte_in_an_index(self, root: Path, machine: Client, path: str, at: int) -> None:
        for found in root.glob(path):
            self.flip(found, at)
        if "by-hash" not in path and "InRelease" not in path:
            for found in root.glob("dists/trixie/main/binary-amd64/by-hash/SHA256/*"):
                found.unlink()
        assert machine.update()
        assert machine.run("install", "--simulate", "hello").status != 0
        assert " problem" in repo("verify", code=11)

    def test_a_flipped_byte_in_a_deb(self, root: Path, machine: Client, tmp_path: Path) -> None:
        assert machine.update() == ""
        (deb,) = root.glob("pool/h/*/*.deb")
        self.flip(deb, 500)
        done = machine.run("install", "--yes", "--download-only", "hello")
        assert done.status != 0
        assert "Hash Sum mismatch" in done.stderr
        assert "its bytes are not the signed ones" in repo("verify", code=11)

    def test_another_deb_of_the_same_size(self, root: Path, machine: Client, tmp_path: Path) -> None:
        assert machine.update() == ""
        (deb,) = root.glob("pool/h/*/*.deb")
        deb.write_bytes(b"!<arch>\n".ljust(deb.stat().st_size, b"x"))
        assert "Hash Sum mismatch" in machine.run("install", "--yes", "--download-only", "hello").stderr
        assert "its bytes are not the signed ones" in repo("verify", code=11)

    def test_a_signature_by_another_key(self, root: Path, machine: Client, tmp_path: Path) -> None:
        other = tmp_path / "other"
        repo("init", other, "--name", "other")
        for path in ("InRelease", "Release", "Release.gpg"):
            (root / "dists/trixie" / path).write_bytes((other / "dists/trixie" / path).read_bytes())
        assert "NO_PUBKEY" in machine.update()
        assert "no valid signature by the repository's keys" in repo("verify", code=11)

    def test_an_expired_index(self, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        old = tmp_path / "old"
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
        repo("init", old, "--name", "old", "--valid-days", "30")
        monkeypatch.delenv("SOURCE_DATE_EPOCH")
        machine = Client(tmp_path / "m", f"file:{old}", old / "old-archive-keyring.gpg")
        assert "is expired" in machine.update()
        assert "expired on Thu, 14 Dec 2023" in repo("verify", "-r", old, code=11)
        repo("renew", "-r", old)
        assert machine.update() == ""
        repo("verify", "-r", old)


class TestFormat:
    def test_packages_says_what_apt_ftparchive_says(self, root: Path, tmp_path: Path) -> None:
        debs = [make_deb(tmp_path, name) for name in ("alpha", "beta", "hello")]
        debs.append(make_deb(tmp_path, "odd", "1:2.0~rc1-1+deb13", "all", extra={"Multi-Arch": "foreign"}))
        repo("add", *debs)
        (root / "pool/a/acme-archive-keyring").rename(tmp_path / "aside")
        done = run.run(
            ["apt-ftparchive", "--md5=no", "--sha1=no", "--sha512=no", "packages", "pool"], cwd=root
        )
        ours = paragraphs((root / "dists/trixie/main/binary-amd64/Packages").read_text())
        ours.pop("acme-archive-keyring")
        assert ours == paragraphs(done.stdout)

    def test_the_files_are_what_the_release_says(self, root: Path, tmp_path: Path) -> None:
        repo("add", make_deb(tmp_path))
        folder = root / "dists/trixie/main/binary-amd64"
        assert lzma.decompress((folder / "Packages.xz").read_bytes()) == (folder / "Packages").read_bytes()
        run.run(["xz", "--test", folder / "Packages.xz"])
        run.run(["xz", "--test", root / "dists/trixie/main/Contents-amd64.xz"])

    def test_lintian_has_nothing_to_say_of_the_bootstrap_deb(self, root: Path) -> None:
        for deb in sorted((root / "bootstrap").glob("*.deb")):
            judged = run.run(["lintian", "--allow-root", "--fail-on", "error,warning", deb], check=False)
            assert (judged.status, judged.stdout) == (0, "")

    def test_all_is_made_again_the_same(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        # The second that it is cannot be frozen: gpg takes that for its own clock, and goes on counting.
        monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(time.time()) - 60))
        repo("init", tmp_path / "apt", "--name", NAME, "--url", "https://apt.example.org")
        keys = tmp_path / "config/debonair/repositories/acme/gnupg"
        fingerprint = json.loads((tmp_path / "apt/index.json").read_text())["fingerprints"][0]
        monkeypatch.setenv("GNUPGHOME", str(keys))
        first = tmp_path / "first"
        again = tmp_path / "again"
        keys.rename(keys.with_name("home"))
        short = Path(tempfile.mkdtemp()) / "home"
        short.symlink_to(keys.with_name("home"))
        monkeypatch.setenv("GNUPGHOME", str(short))
        try:
            for folder in (first, again):
                url = ("--url", "https://apt.example.org")
                repo("init", folder, "--name", NAME, *url, "--key", fingerprint)
                repo("add", make_deb(tmp_path), "-r", folder)
        finally:
            run.run(["gpgconf", "--kill", "gpg-agent"])
            shutil.rmtree(short.parent)
        assert contents(first) == contents(again)


def contents(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()
    }


def paragraphs(text: str) -> dict[str, dict[str, str]]:
    found = [deb822.fields(each) for each in text.split("\n\n") if each.strip()]
    return {each["Package"]: each for each in found}


class TestTimer:
    def test_its_units_are_valid_and_do_it(self, root: Path, tmp_path: Path) -> None:
        output = repo("renew", "--timer")
        units = sorted((tmp_path / "config/systemd/user").iterdir())
        assert [unit.name for unit in units] == ["debonair-renew-acme.service", "debonair-renew-acme.timer"]
        assert "systemctl --user enable --now debonair-renew-acme.timer" in output
        done = run.run(["systemd-analyze", "verify", "--user", "--man=no", *units], check=False)
        assert [line for line in done.stderr.splitlines() if "debonair-renew" in line] == []
        (line,) = re.findall("^ExecStart=(.*)$", units[0].read_text(), re.MULTILINE)
        assert shlex.split(line)[1:] == ["repo", "renew", "--if-due", "--repository", str(root)]
        before = (root / "dists/trixie/InRelease").read_bytes()
        assert repo("renew", "--if-due") == "No suite needs a new signature.\n"
        assert (root / "dists/trixie/InRelease").read_bytes() == before
        repo("renew", "--valid-days", "3", "--if-due")
        fields = deb822.fields((root / "dists/trixie/Release").read_text())
        times = [release.seconds(fields[name]) for name in ("Date", "Valid-Until")]
        assert times[1] - times[0] == 3 * 86400
