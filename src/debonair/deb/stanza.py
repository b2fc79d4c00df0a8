"""The control file of a stranger's package, read as dpkg reads it, or refused (deb-control(5)).

The fields are published, and every client's apt reads them again by its own rules. So this reader refuses
anything that the two could understand differently, or that stops apt or dpkg with an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from debonair.deb.refusal import Unfit

MOST = 1 << 16
"""Bytes of a stanza: apt gives up reading an index with a much longer one."""
REQUIRED = ("Package", "Version", "Architecture")
_RELATIONS = (
    "Depends", "Pre-Depends", "Recommends", "Suggests", "Enhances",
    "Breaks", "Conflicts", "Replaces", "Provides", "Built-Using", "Static-Built-Using",
)  # fmt: skip
_ALONE = frozenset({"Breaks", "Conflicts", "Replaces", "Provides", "Built-Using", "Static-Built-Using"})
"""Relations whose packages have no alternatives."""
_INSTALLED = frozenset({"status", "config-version", "triggers-pending", "triggers-awaited"})
"""Fields of an installed package: dpkg refuses them in a .deb, and apt would believe them."""
_FIELD = re.compile(r"[!-\"$-,.-9;-~][!-9;-~]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]*")
_ARCHITECTURE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_SECTION = re.compile(r"[A-Za-z0-9+./_-]*")
_NUMBER = r"[0-9][A-Za-z0-9.+~:-]*"
_EPOCH = re.compile(r"[0-9]{1,9}")
_UPSTREAM = re.compile(_NUMBER)
_REVISION = re.compile(r"[A-Za-z0-9.+~]+")
_LONGEST_VERSION = 200
_B = r"[ \t\n]*"
_RELATION = re.compile(
    rf"{_NAME.pattern}(?::[A-Za-z0-9-]+)?"
    rf"(?:{_B}\({_B}(?:<<|<=|=|>=|>>|<|>)?{_B}(?P<version>{_NUMBER}){_B}\))?"
)
_SOURCE = re.compile(rf"(?P<name>{_NAME.pattern})(?:{_B}\({_B}(?P<version>{_NUMBER}){_B}\))?")
_FORMS = {
    "Package": _NAME,
    "Version": re.compile(".*"),
    "Architecture": _ARCHITECTURE,
    "Source": re.compile(rf"(?:{_SOURCE.pattern})?"),
    "Section": _SECTION,
    "Priority": _SECTION,
    "Essential": re.compile("yes|no", re.IGNORECASE),
    "Protected": re.compile("yes|no", re.IGNORECASE),
    "Multi-Arch": re.compile("no|same|foreign|allowed", re.IGNORECASE),
}
"""Fields of one line each."""
_KNOWN = {
    name.lower(): name
    for name in (*_FORMS, *_RELATIONS, "Maintainer", "Description", "Homepage", "Installed-Size")
}
_BLANK = " \t\n"
_AGAIN = "Remove it and build the package again."


def read(data: bytes) -> dict[str, str]:
    """Return the fields of a control file in their order; names that dpkg knows get their usual case.

    A field of several lines keeps them, without the blank that indents each (Policy section 5.1). Raises
    ``Unfit`` for anything that dpkg refuses, or that an index cannot carry.
    """
    if len(data) > MOST:
        raise Unfit(f"its control file has {len(data)} bytes, but an index accepts at most {MOST}")
    if not data.endswith(b"\n"):
        raise Unfit(
            "its control file does not end in a line break", "Check that the file was built completely."
        )
    stanza = data.strip(b"\n")
    lines = stanza.split(b"\n") if stanza else []
    fields: dict[str, str] = {}
    seen: set[str] = set()
    name = ""
    for raw in lines:
        line = _text(raw, name)
        if not raw:
            raise Unfit("its control file has several paragraphs, but dpkg accepts only one")
        if raw[0] in b" \t":
            if not name:
                raise Unfit("its control file starts with a continuation line")
            if not line.strip(_BLANK):
                raise Unfit(
                    f"its control file has an empty line in the field {name}", "Write the line as ' .'."
                )
            fields[name] += "\n" + line[1:]
            continue
        name, colon, value = line.partition(":")
        name = name.rstrip(" \t")
        if not colon or not _FIELD.fullmatch(name):
            raise Unfit(f"its control file has the line {line[:80]!r}, which is not a field", _AGAIN)
        if name.lower() in seen:
            raise Unfit(
                f"its control file has the field {name} twice",
                "Keep one of them and build the package again.",
            )
        seen.add(name.lower())
        name = _KNOWN.get(name.lower(), name)
        fields[name] = value.strip(" \t")
    _check(fields)
    if not fields[name]:
        raise Unfit(f"its control file ends with the empty field {name}", _AGAIN)
    return {name: value.rstrip(_BLANK) for name, value in fields.items()}


def source_of(fields: Mapping[str, str]) -> tuple[str, str]:
    """Return the name and the version of the source package that ``fields`` name."""
    found = _SOURCE.fullmatch(fields.get("Source", ""))
    if found is None:
        return fields["Package"], fields["Version"]
    return found["name"], found["version"] or fields["Version"]


def _text(raw: bytes, name: str) -> str:
    """Return a line as text; ``name`` is the field before it."""
    field = name if raw[:1] in {b" ", b"\t"} else raw.partition(b":")[0].decode(errors="replace")
    try:
        line = raw.decode()
    except UnicodeDecodeError:
        raise Unfit(
            f"the {field[:40]} in its control file is not UTF-8",
            "Convert the control file to UTF-8 and build the package again: iconv -f latin1 -t utf-8",
        ) from None
    if raw.endswith(b"\r"):
        raise Unfit(
            "its control file has Windows line endings",
            "Convert it with dos2unix and build the package again.",
        )
    if found := _CONTROL.search(line):
        raise Unfit(f"the {field[:40]!r} in its control file has a control character: {found[0]!r}", _AGAIN)
    return line


def _check(fields: Mapping[str, str]) -> None:
    """Raise ``Unfit`` for a field or a value that dpkg refuses."""
    for name in REQUIRED:
        if name not in fields:
            raise Unfit(
                f"its control file has no {name}", f"Add the field {name} and build the package again."
            )
        if not fields[name]:
            raise Unfit(
                f"the {name} in its control file is empty",
                f"Fill it and build the package again.{_help(name)}",
            )
    for name in fields:
        if name.lower() in _INSTALLED:
            raise Unfit(
                f"its control file has the field {name}, which only installed packages have", _AGAIN
            )
    for name, pattern in _FORMS.items():
        if name in fields and not pattern.fullmatch(fields[name]):
            raise Unfit(f"its control file has the {name} {fields[name][:80]!r}, which is not valid")
    _check_version("Version", fields["Version"])
    _check_version("Source", source_of(fields)[1])
    for name in _RELATIONS:
        if fields.get(name):
            _check_relation(name, fields[name])


def _check_relation(name: str, value: str) -> None:
    for clause in value.split(","):
        alternatives = clause.split("|")
        if len(alternatives) > 1 and name in _ALONE:
            raise Unfit(
                f"the {name} in its control file has the alternative {clause.strip(_BLANK)[:80]!r}, which "
                "is not allowed there"
            )
        for each in alternatives:
            found = _RELATION.fullmatch(each.strip(_BLANK))
            if found is None:
                raise Unfit(
                    f"the {name} in its control file has {each.strip(_BLANK)[:80]!r}, which is not a "
                    "package relation",
                    "Check for an extra comma or parenthesis; one such line makes apt fail on every "
                    "machine.",
                )
            _check_version(name, found["version"] or "0")


def _check_version(name: str, version: str) -> None:
    epoch, _, rest = version.partition(":") if ":" in version else ("0", "", version)
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "0")
    parts = _EPOCH.fullmatch(epoch) and _UPSTREAM.fullmatch(upstream) and _REVISION.fullmatch(revision)
    if len(version) > _LONGEST_VERSION or not parts:
        raise Unfit(
            f"the {name} in its control file has the version {version[:80]!r}, which dpkg does not accept",
            "A version starts with a digit, followed by letters, digits and '.', '+', '-' and '~'.",
        )


def _help(name: str) -> str:
    return " A package for every architecture has 'all'." if name == "Architecture" else ""
