"""The packages of one Debian suite, found and fetched by apt, separately from this machine's own apt.

apt gets its own configuration, lists, archives and dpkg status below the cache. So it needs no privilege,
and can work for another suite, architecture or machine than the one it runs on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from debonair.deb import deb822
from debonair.debian.mirror import Mirror
from debonair.errors import MachineError, NetworkError
from debonair.host import run
from debonair.host.cache import Cache, disk
from debonair.host.file_lock import making
from debonair.host.progress import ticking
from debonair.host.usage import used

_INSTALLED = re.compile(r"^Inst (\S+) (?:\[\S+\] )?\((\S+) (?!local-deb ).*\[(\S+)\]\)", re.MULTILINE)
_LIBRARIES = """\
Acquire::IndexTargets::deb::Packages::DefaultEnabled "false";
Acquire::IndexTargets::deb::Libraries::MetaKey "main/Contents-{0}";
Acquire::IndexTargets::deb::Libraries::ShortDescription "Contents-{0}";
Acquire::IndexTargets::deb::Libraries::Description "$(RELEASE) Contents-{0}";
Acquire::IndexTargets::deb::Libraries::KeepCompressed "true";
"""
"""Lets apt fetch and verify the list of the files of all packages, instead of that of the packages."""
_LIBRARY = r"^(usr/)?lib/([^/ ]*-linux-[^/ ]*/)?[^/ ]*[.]so[. ]"
_MODULES = "^usr/lib/python3/dist-packages/[^/ ]+[.](dist|egg)-info[/ ]"
_DISTRIBUTION = re.compile(r".*/([^/ ]+?)-(\d[^/ ]*?)(?:-py3[^/ ]*)?[.](?:dist|egg)-info[/ ]")
_FIND = '/usr/lib/apt/apt-helper cat-file "$1" | grep -E "$2"'
_SECONDS = 4 * 3600
"""Longer than any download takes. With a limit, apt's own helpers end with it, also on Ctrl-C."""
_GONE = re.compile(r"^[EW]: Failed to fetch .*\b(?:404|410)\b", re.MULTILINE)
_OFFLINE = re.compile(r"^[EW]: (?:Failed to fetch|Unable to fetch|Some index files failed)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Suite:
    """The packages of one suite and architecture, on one mirror."""

    name: str
    architecture: str
    mirror: Mirror
    folder: Path
    """The folder of apt's own files for this suite."""
    what: str = "package list"
    """The name of the list that an update fetches."""

    @classmethod
    def of(cls, name: str, architecture: str, *, mirror: Mirror, cache: Cache) -> Suite:
        """Return the suite ``name`` for a Debian ``architecture``, kept in ``cache``."""
        folder = cache.folder("apt") / f"{name}-{architecture}"
        used(folder, cache)
        return cls(name, architecture, mirror, folder)

    def fetch(self, packages: Sequence[str], *, status: Path) -> tuple[Path, ...]:
        """Return the debs that ``packages`` need on the machine with the dpkg ``status`` file.

        ``packages`` are package names or absolute paths of debs (which are not among the debs returned).
        Recommends are left out. apt does not fetch again what the cache has, and uses the network only if
        it is necessary. Raises ``NetworkError`` if the mirror cannot be reached, and ``MachineError`` with
        apt's output if the suite cannot satisfy ``packages``.
        """
        with making(self.folder):
            configuration = self._configure(status)
            # Reading a suite's lists takes a second: first check whether the cache has everything.
            without_lists = ("--option", f"Dir::State::lists={self.folder}/empty")
            planned = self._apt(configuration, "install", "--simulate", *without_lists, *packages)
            if planned.status:
                planned = self._apt(configuration, "install", "--simulate", *packages)
            if planned.status:
                self._update(configuration)
                planned = self._apt(configuration, "install", "--simulate", *packages)
            if planned.status:
                raise MachineError(
                    f"{' '.join(Path(name).name for name in packages)} cannot be installed on Debian's "
                    f"{self.name} ({self.architecture}):\n{_tail(planned)}",
                    hint="If the deb was built for another suite, name that suite with --suite. If "
                    "'depends' names a package that Debian lacks, check its name, or try the deb on a Pi.",
                )
            missing = [path for path in self._debs(planned.stdout) if not path.exists()]
            if missing and self._download(configuration, packages).status:
                # The lists may be older than the last point release, and name packages that are gone.
                self._update(configuration)
                planned = self._apt(configuration, "install", "--simulate", *packages)
                fetched = self._download(configuration, packages)
                if fetched.status:
                    raise self._gone(fetched) or _unreachable(self.mirror, fetched)
            return tuple(self._debs(planned.stdout))

    def current(self) -> tuple[str, tuple[Path, ...]]:
        """Return the sources entry that works for the suite now, and its lists, which are updated.

        Raises ``NetworkError`` if the mirror cannot be reached.
        """
        with making(self.folder):
            self._update(self._configure(Path("/dev/null")))
            line = (self.folder / "etc" / "sources.list").read_text().strip()
            names = ("*_InRelease", "*_Packages")
            return line, tuple(path for name in names for path in (self.folder / "lists").glob(name))

    def libraries(self) -> dict[str, str]:
        """Return the package of each shared library in the dynamic linker's folders (ld.so(8)).

        The suite's own list of contents names them; updating it takes some seconds. If several packages
        have one file, the first counts. Raises ``NetworkError`` if the mirror cannot be reached.
        """
        found = (line.rsplit(maxsplit=1) for line in self._contents(self.architecture, _LIBRARY))
        return {path.rpartition("/")[2]: _first(packages) for path, packages in reversed(list(found))}

    def distributions(self) -> dict[str, tuple[str, str]]:
        """Return the package of each Python distribution that the suite has, and its version (PEP 440).

        The keys are names as in the folder of its metadata. The source and the errors are those of
        ``libraries``.
        """
        found = dict[str, tuple[str, str]]()
        for architecture in (self.architecture, "all"):
            for line in self._contents(architecture, _MODULES):
                if match := _DISTRIBUTION.match(line):
                    found.setdefault(match[1], (_first(line.rsplit(maxsplit=1)[1]), match[2]))
        return found

    def versions(self, packages: Sequence[str]) -> dict[str, str]:
        """Return the suite's version of each of ``packages``; packages that it lacks are left out.

        It updates the lists first. Raises ``NetworkError`` if there are none and they cannot be fetched.
        """
        with making(self.folder):
            configuration = self._configure(Path("/dev/null"))
            self._update(configuration)
            env = {"APT_CONFIG": str(configuration), "LC_ALL": "C.UTF-8"}
            words = ["apt-cache", "show", "--no-all-versions", *packages]
            listing = run.run(words, env=env, check=False)
        return {
            fields["Package"]: fields["Version"]
            for fields in deb822.paragraphs(listing.stdout)
            if "Package" in fields and "Version" in fields
        }

    def _contents(self, architecture: str, pattern: str) -> list[str]:
        """Return the lines of the suite's list of contents that match ``pattern``; grep(1)."""
        folder = self.folder / f"contents-{architecture}"
        apart = Suite(self.name, architecture, self.mirror, folder, "file index")
        with making(apart.folder):
            configuration = apart._configure(Path("/dev/null"), more=_LIBRARIES.format(architecture))
            apart._update(configuration)
            contents = next((apart.folder / "lists").glob(f"*_Contents-{architecture}*"), None)
            if contents is None:
                raise NetworkError(
                    f"{self.mirror.uri} has no file index (Contents) of {self.name} ({architecture}).",
                    hint="Name a mirror that has one: DEBONAIR_MIRROR=ADDRESS debonair ...",
                )
            found = run.run(["sh", "-c", _FIND, "sh", contents, pattern], timeout=_SECONDS).stdout
            return found.removesuffix("\n").split("\n") if found else []

    def _debs(self, plan: str) -> list[Path]:
        """Return where apt keeps the debs of a simulated installation, without those given as files."""
        names = (
            f"{name.partition(':')[0]}_{version.replace(':', '%3a')}_{architecture}.deb"
            for name, version, architecture in _INSTALLED.findall(plan)
        )
        return [self.folder / "archives" / name for name in names]

    def _configure(self, status: Path, *, more: str = "") -> Path:
        """Write apt's configuration for a machine with the dpkg ``status`` file; apt.conf(5).

        ``more`` are further lines of it.
        """
        with disk(self.folder):
            for name in ("lists/partial", "empty/partial", "archives/partial", "etc"):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
            sources = self.folder / "etc" / "sources.list"
            known_as = self.folder / "etc" / "known-as"
            name = known_as.read_text() if known_as.exists() else self.name
            sources.write_text(self.mirror.line(name) + "\n")
            lines = [
                f'Dir::Etc "{self.folder}/etc"',
                f'Dir::Etc::sourcelist "{sources}"',
                *(
                    f'Dir::Etc::{part} "/dev/null"'
                    for part in ("sourceparts", "main", "parts", "preferences", "preferencesparts")
                ),
                *(
                    f'Dir::Etc::{part} "{Path("/etc/apt") / name}"'
                    for part, name in (("trusted", "trusted.gpg"), ("trustedparts", "trusted.gpg.d"))
                ),
                f'Dir::State "{self.folder}"',
                f'Dir::State::lists "{self.folder}/lists"',
                f'Dir::State::status "{status}"',
                f'Dir::Cache "{self.folder}"',
                f'Dir::Cache::archives "{self.folder}/archives"',
                f'Dir::Log "{self.folder}/log"',
                f'APT::Architecture "{self.architecture}"',
                f'APT::Architectures {{ "{self.architecture}"; }}',
                'APT::Install-Recommends "false"',
                'APT::Sandbox::User "root"',
                'APT::Keep-Downloaded-Packages "true"',
                'Acquire::Languages "none"',
                'Acquire::Retries "1"',
                *self.mirror.settings,
            ]
            configuration = self.folder / "etc" / "apt.conf"
            configuration.write_text("".join(f"{line};\n" for line in lines) + more)
        return configuration

    def _apt(self, configuration: Path, *words: str) -> run.Completed:
        env = {"APT_CONFIG": str(configuration), "LC_ALL": "C.UTF-8"}
        return run.run(["apt-get", "--yes", "-q", *words], env=env, check=False, timeout=_SECONDS)

    def _download(self, configuration: Path, packages: Sequence[str]) -> run.Completed:
        with ticking(f"Fetching {self.name}-{self.architecture} packages"):
            return self._apt(configuration, "install", "--download-only", *packages)

    def _update(self, configuration: Path) -> None:
        """Fetch the lists of the suite; keep the old ones if the mirror cannot be reached."""
        result = self._renew(configuration, self.name)
        if _failed(result) and (alias := self._alias()):
            # A mirror during its sync, or a proxy's cache, may know the files only by the other name.
            other = self._renew(configuration, alias)
            if _failed(other) or self._release_field(self.folder / "lists", "Codename") != self.name:
                self._renew(configuration, self.name)
            else:
                (self.folder / "etc" / "known-as").write_text(alias)
                return
        if _failed(result) and not any((self.folder / "lists").glob("*_main_*")):
            raise _unreachable(self.mirror, result)

    def _renew(self, configuration: Path, name: str) -> run.Completed:
        """Fetch the lists of the suite by one of its names."""
        (self.folder / "etc" / "known-as").unlink(missing_ok=True)
        (self.folder / "etc" / "sources.list").write_text(self.mirror.line(name) + "\n")
        with ticking(f"Fetching {self.name}-{self.architecture} {self.what}"):
            return self._apt(configuration, "update")

    def _gone(self, result: run.Completed) -> NetworkError | None:
        """Return the error for packages that the mirror lacks although the lists name them, if any."""
        if not _GONE.search(result.stdout + result.stderr):
            return None
        return NetworkError(
            f"{self.mirror.uri} lists packages of {self.name} ({self.architecture}) that cannot be "
            f"downloaded from it:\n{_tail(result)}",
            hint="The mirror is being updated, or no longer has this architecture. Try again in an hour, "
            "or name another mirror: DEBONAIR_MIRROR=ADDRESS debonair ...",
        )

    def _alias(self) -> str:
        """Return the suite's other name, such as ``stable``, from a Release without its lists.

        It is empty if there is none.
        """
        return self._release_field(self.folder / "lists" / "partial", "Suite")

    def _release_field(self, folder: Path, field: str) -> str:
        """Return a field of the Release that is in ``folder``, empty if there is none."""
        texts = (path.read_text() for path in folder.glob("*_InRelease"))
        # The signature is in paragraphs of its own.
        found = (fields.get(field, "") for text in texts for fields in deb822.paragraphs(text))
        return next(filter(None, found), "")


def host_architecture() -> str:
    """Return the Debian architecture of this machine's own programs, such as ``amd64``; dpkg(1).

    Raises ``MachineError`` on a machine without dpkg.
    """
    return run.run(["dpkg", "--print-architecture"]).stdout.strip()


def _first(packages: str) -> str:
    """Return the name of the first of ``packages``; a list of contents has ``libs/libc6,...``."""
    return packages.partition(",")[0].rpartition("/")[2]


def _failed(result: run.Completed) -> bool:
    return bool(result.status or _OFFLINE.search(result.stdout + result.stderr))


def _unreachable(mirror: Mirror, result: run.Completed) -> NetworkError:
    return NetworkError(
        f"Packages could not be downloaded from {mirror.uri}:\n{_tail(result)}",
        hint="The mirror comes from this machine's apt sources. To use another: "
        "DEBONAIR_MIRROR=ADDRESS debonair ...",
    )


def _tail(result: run.Completed) -> str:
    """Return the last lines of apt's output, errors among them."""
    lines = (result.stdout + result.stderr).strip().splitlines()
    return "\n".join(f"  {line}" for line in lines[-12:])
