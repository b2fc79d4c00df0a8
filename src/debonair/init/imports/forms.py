"""Read the four formats of uWSGI's options: ini, YAML, XML and JSON.

uWSGI has its own parser for ini, which differs from Python's configparser. A key may be repeated and may
lack a value, and a value cannot be followed by a comment.
"""

from __future__ import annotations

import bisect
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debonair.errors import ProjectError
from debonair.project import reader

if TYPE_CHECKING:
    from yaml import Node

_MOST = 256 << 10
"""The most bytes of a file."""
_MOST_YAML = 64 << 10
"""The most bytes of a YAML file, whose parser is a hundred times slower."""
_SHOWN = 1000
"""The most characters of a line that are kept as written."""
SUFFIXES = (".ini", ".yaml", ".yml", ".json", ".js", ".xml")


@dataclass(frozen=True)
class Entry:
    """One option as written in a file."""

    file: Path
    line: int
    section: str
    name: str
    value: str
    text: str
    """The line, or its part about this option if it has several."""
    ignored: str = ""
    """The reason for ignoring the option."""
    missed: bool = False
    """True if it may have had an effect all the same."""


def entries(path: Path, root: Path) -> list[Entry]:
    """Return the options in all sections of the file ``path``; its suffix tells the format.

    The file must be in the folder ``root``. Raises ``ProjectError`` with file and line if it does not have
    that format.
    """
    read = {".yaml": _yaml, ".yml": _yaml, ".json": _json, ".js": _json, ".xml": _xml}.get(
        path.suffix, _ini
    )
    text = reader.text(path, root, most=_MOST_YAML if read is _yaml else _MOST)
    lines = [line.strip() for line in text.split("\n")]
    found = list(read(path, text))
    many = Counter(line for line, *_ in found)
    return [
        Entry(path, line, section, name, value, shown[:_SHOWN])
        for line, section, name, value in found
        for shown in [
            f"{name} = {value}" if many[line] > 1 else lines[line - 1] if line <= len(lines) else name
        ]
    ]


def error(path: Path, line: int, what: str, hint: str) -> ProjectError:
    """Return the error about ``what``, which is wrong in a line of a foreign file."""
    return ProjectError(f"{path}:{line}: {what}.", hint=hint)


_Found = tuple[int, str, str, str]
"""The line, section, name and value of an option."""


def _ini(path: Path, text: str) -> Iterator[_Found]:
    section = ""
    for line, raw in enumerate(text.split("\n"), 1):
        words = raw.strip(" \t\r")
        if not words or words[0] in ";#":
            continue
        if words[0] == "[":
            if not re.fullmatch(r"\[[^\[\]]+\]", words):
                raise error(path, line, f"'{words}' is not a section", "Write it as: [uwsgi]")
            section = words[1:-1]
            continue
        name, sign, value = (part.strip(" \t\r") for part in words.partition("="))
        if not re.fullmatch(r"[^\s:=]+", name):
            words = " ".join(words[:_SHOWN].split())
            guess = re.fullmatch(r"([\w-]+) ?[: ] ?(\S.*)", words)
            raise error(
                path,
                line,
                f"'{words}' is not an option with a value",
                f"Write it as: {guess[1]} = {guess[2]}"
                if guess and not sign
                else "Write it as: name = value",
            )
        yield line, section, name, value


def _yaml(path: Path, text: str) -> Iterator[_Found]:
    import yaml  # noqa: PLC0415 - few projects have such a file

    class Loader(yaml.SafeLoader):
        """A reader without aliases: uWSGI has none, and a few of them can expand to a thousand lists."""

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                event = self.peek_event()  # type: ignore[no-untyped-call]
                raise error(
                    path,
                    event.start_mark.line + 1,
                    f"it has an alias, *{event.anchor}",
                    "uWSGI does not read aliases. Replace it by its value.",
                )
            return super().compose_node(parent, index)

    try:
        top = yaml.compose(text, Loader=Loader)
    except RecursionError:
        raise _nested(path) from None
    except yaml.MarkedYAMLError as wrong:
        line = wrong.problem_mark.line + 1 if wrong.problem_mark else 1
        what = f"it is not valid YAML: {wrong.problem or wrong.context}"
        raise error(
            path, line, what, "Fix the syntax error on that line. Indent with spaces, not tabs."
        ) from None
    except yaml.YAMLError as wrong:
        raise error(path, 1, f"it is not valid YAML: {wrong}", "Save it as plain text.") from None
    for key, table in _pairs(path, top):
        for name, value in _pairs(path, table):
            items = value.value if isinstance(value, yaml.SequenceNode) else [value]
            for item in items:
                if not isinstance(item, yaml.ScalarNode):
                    raise error(
                        path,
                        item.start_mark.line + 1,
                        f"'{name.value}' has more than a value or a list of values",
                        "Write it flat: uWSGI's options are not nested.",
                    )
                yield item.start_mark.line + 1, str(key.value), str(name.value), str(item.value)


def _pairs(path: Path, node: Node | None) -> list[tuple[Node, Node]]:
    import yaml  # noqa: PLC0415

    if not isinstance(node, yaml.MappingNode):
        line = node.start_mark.line + 1 if node else 1
        raise error(path, line, "it has no uWSGI options", "Write them below 'uwsgi:', each indented.")
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise error(
                path,
                key.start_mark.line + 1,
                "the name of an option is not plain text",
                "Write it as: name: value",
            )
    return list(node.value)


def _json(path: Path, text: str) -> Iterator[_Found]:
    try:
        top = json.loads(text, object_pairs_hook=tuple, parse_int=str, parse_float=str)
    except json.JSONDecodeError as wrong:
        what = f"it is not valid JSON: {wrong.msg}"
        raise error(
            path, wrong.lineno, what, "Fix the syntax error on that line. JSON has no comments."
        ) from None
    except RecursionError:
        raise _nested(path) from None
    ends = [found.start() for found in re.finditer("\n", text)]
    place = 0
    for section, table in top if isinstance(top, tuple) else ():
        for name, value in table if isinstance(table, tuple) else ():
            found = text.find(json.dumps(name), place)
            line = bisect.bisect_left(ends, max(found, place)) + 1
            place = max(found + 1, place)
            for item in value if isinstance(value, list) else [value]:
                if not isinstance(item, str | bool):
                    what = f"'{name}' has more than a value or a list of values"
                    raise error(path, line, what, "Write it flat: uWSGI's options are not nested.")
                yield line, section, name, str(item).lower() if isinstance(item, bool) else item


def _xml(path: Path, text: str) -> Iterator[_Found]:
    from xml.parsers import expat  # noqa: PLC0415

    parser = expat.ParserCreate()
    found: list[tuple[int, str, str, list[str]]] = []
    above: list[str] = []
    section, mounted = "", ""

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal section, mounted
        if section and above[-1] == "uwsgi":
            mounted = f"{attributes['mountpoint']}=" if "mountpoint" in attributes else ""
            found.append((parser.CurrentLineNumber, section, "mount" if name == "app" else name, [mounted]))
        elif name == "uwsgi":
            section = (
                attributes.get("id", "uwsgi") if found else "uwsgi"
            )  # uWSGI reads the first, whatever its id
        above.append(name)

    def characters(data: str) -> None:
        if section and found and above[-1] != "uwsgi":
            found[-1][3].append(data)

    def end(name: str) -> None:
        nonlocal section
        above.pop()
        if name == "uwsgi":
            section = ""

    def entity(name: str, *_: object) -> None:
        raise error(
            path,
            parser.CurrentLineNumber,
            f"it has an entity, '{name}'",
            "Replace it by its value. Entities are refused, because a few of them can expand to gigabytes.",
        )

    parser.EntityDeclHandler = entity
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = characters
    try:
        parser.Parse(text, True)  # noqa: FBT003 - tells expat that the text is complete
    except expat.ExpatError as wrong:
        what = f"it is not valid XML: {expat.ErrorString(wrong.code)}"
        raise error(path, wrong.lineno, what, "Fix the syntax error on that line.") from None
    for line, where, name, (url, *more) in found:
        yield line, where, name, url + "".join(more).strip()


def _nested(path: Path) -> ProjectError:
    return error(path, 1, "it is nested too deeply", "Write it flat: uWSGI's options are not nested.")
