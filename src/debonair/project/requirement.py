"""Check that a text is a requirement (PEP 508) that a lock for every machine can have."""

from __future__ import annotations

import re

from debonair.errors import ProjectError

_BOUND = r"(?:(?:[<>]=?|==|!=)\s*\d+(?:\.\d+)*|~=\s*\d+(?:\.\d+)+)"
_PLAIN = re.compile(rf"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?\s*(?:{_BOUND}(?:\s*,\s*{_BOUND})*)?\s*", re.ASCII)
"""The usual requirements, which need no slow import of a parser."""
_NAME = r"([\w.-]++)\s*+(?:\[[^]]*\])?"
_DRIVE = r"[A-Za-z]:[\\/]"
_PATH = re.compile(
    rf"(?:\.\.?$|file:|{_DRIVE}|[^\s@;:]*[/\\]|[^\s@;:]+\.(?:whl|zip|tar\.\w+|tgz)(?=\[|\s|;|$))",
    re.IGNORECASE,
)
"""The start of a path, instead of a name."""
_WHEEL = re.compile(
    r"((?!/|~|\.\.|file:|[A-Za-z]:)[^\s@;:\"\\]*/)?([A-Za-z0-9_.]+)-([\w.!+]+)-[\w.-]+\.whl", re.ASCII
)
"""A wheel in a folder of the project: the folder, and the name and version of the wheel."""
_LOCAL = re.compile(rf"{_NAME}\s*+@\s*+(?:file:|{_DRIVE}|(?![\w+.-]+:))", re.IGNORECASE)
"""A name with a path instead of an address."""
_CONDA = re.compile(r"([\w.-]+)=([\w.!+]+)=\w+")
_OPTION = re.compile(r"\s(--?[A-Za-z][\w-]*)")
LIST = "pip list --format=freeze > requirements.txt"
"""The command that writes a requirements file without paths, unlike 'pip freeze'."""


def check(text: str, where: str) -> None:
    """Raise ``ProjectError`` if ``text`` is not a requirement, or has a path of this machine.

    ``where`` is its file, line and text.
    """
    if _PLAIN.fullmatch(text):
        return
    if _PATH.match(text):
        raise ProjectError(
            f"{where} is a folder or file on this machine, but a lock must work on every machine.",
            hint=_beside(text)
            or "Publish that package on your index, or move its modules beside the app's own.",
        )
    if local := _LOCAL.match(text):
        raise ProjectError(
            f"{where} names a folder or file of one machine, but a lock must work on every machine.",
            hint=f"If the package index has {local[1]}, write {local[1]}==VERSION. This command writes all "
            f"installed versions: {LIST}",
        )
    if why := _problem(text):
        _explain(text, where, why)


def _beside(path: str) -> str:
    """Return how to use the wheel at ``path``, in a folder of the project; empty for anything else."""
    if not (wheel := _WHEEL.match(path)):
        return ""
    folder = (wheel[1] or ".").removeprefix("./").rstrip("/") or "."
    return (
        f"Write {wheel[2]}=={wheel[3]}, and name the folder of the wheel in uv.toml: "
        f'find-links = ["{folder}"]'
    )


def _explain(text: str, where: str, why: str) -> None:
    """Raise ``ProjectError`` for ``text``, which is not a requirement because of ``why``."""
    if conda := _CONDA.fullmatch(text):
        raise ProjectError(
            f"{where} has conda's format NAME=VERSION=BUILD, which pip does not read.",
            hint=f"Write {conda[1]}=={conda[2]}. In the conda environment, this command writes all of "
            f"them: {LIST}",
        )
    if option := _OPTION.search(text):
        bare = text[: option.start()].strip()
        raise ProjectError(
            f"{where} has the option '{option[1]}' behind the requirement, but a lock cannot apply it.",
            hint=f"Write '{bare}' alone. A build from source then uses the package's own options.",
        )
    meant = re.sub(r"(?<![<>=!~])=(?![<>=])", "==", re.sub(r"=([<>])", r"\1=", text))
    close = meant != text and not _problem(meant)
    raise ProjectError(
        f"{where} is not a valid requirement: {why}.",
        hint=f"Did you mean '{meant}'?" if close else "Write it as in 'Flask>=3' (PEP 508).",
    )


def _problem(text: str) -> str:
    """Return why ``text`` is not a requirement; empty if it is one."""
    if _PLAIN.fullmatch(text):
        return ""
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 - slow to import

    try:
        Requirement(text)
    except InvalidRequirement as wrong:
        return str(wrong).splitlines()[0]
    return ""
