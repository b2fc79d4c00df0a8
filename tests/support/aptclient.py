"""apt as a client of a repository, separate from this machine's own apt."""

from __future__ import annotations

from pathlib import Path

from debonair.deb import archive
from debonair.host import run


class Client:
    """A machine's apt, in a folder; ``installed`` sets its installed packages."""

    def __init__(
        self, folder: Path, uri: str, keyring: Path, *, suite: str = "trixie", machine: str = "0" * 32
    ):
        self.folder = folder
        for name in ("state/lists/partial", "cache/archives/partial", "etc/apt/preferences.d"):
            (folder / name).mkdir(parents=True)
        self.status = folder / "status"
        self.status.write_text("")
        self.keyring = folder / "keyring.gpg"
        self.keyring.write_bytes(keyring.read_bytes())
        self.sources = folder / "etc/apt/sources.list"
        self.sources.write_text(f"deb [signed-by={self.keyring}] {uri} {suite} main\n")
        self.preferences = folder / "etc/apt/preferences"
        lines = {
            "Dir::Etc": folder / "etc/apt",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::parts": "/dev/null",
            "Dir::Etc::main": "/dev/null",
            "Dir::State": folder / "state",
            "Dir::State::status": self.status,
            "Dir::Cache": folder / "cache",
            "APT::Architecture": "amd64",
            "APT::Machine-ID": machine,
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Acquire::Retries": "0",
            "APT::Keep-Downloaded-Packages": "true",
        }
        text = "".join(f'{name} "{value}";\n' for name, value in lines.items())
        self.configuration = folder / "apt.conf"
        self.configuration.write_text(text + 'APT::Architectures { "amd64"; };\n')

    def configure(self, text: str) -> None:
        """Add ``text`` to apt's configuration."""
        with self.configuration.open("a") as file:
            file.write(text)

    def installed(self, *debs: Path) -> None:
        """Set ``debs`` as the only installed packages."""
        text = ""
        for deb in debs:
            name, fields = archive.read(deb).members["control"].decode().split("\n", 1)
            text += f"{name}\nStatus: install ok installed\n{fields}\n"
        self.status.write_text(text)

    def run(self, *words: str, program: str = "apt-get") -> run.Completed:
        """Run apt and return its output."""
        env = {"APT_CONFIG": str(self.configuration), "LC_ALL": "C.UTF-8"}
        return run.run([program, *words], env=env, check=False)

    def update(self) -> str:
        """Fetch the lists; return the problems, empty if there are none."""
        done = self.run("update", "-o", "APT::Update::Error-Mode=any")
        output = done.stdout + done.stderr
        lines = [line for line in output.splitlines() if line.startswith(("E:", "W:", "Err:"))]
        assert bool(lines) == bool(done.status), output
        return "\n".join(lines)

    def would(self, *words: str) -> list[str]:
        """Return the packages that ``apt-get WORDS`` would install, as ``package version``."""
        done = self.run("--simulate", *words)
        assert done.status == 0, done.stdout + done.stderr
        rows = (line.split() for line in done.stdout.splitlines() if line.startswith("Inst "))
        return [f"{row[1]} {next(word for word in row if word.startswith('('))[1:]}" for row in rows]
