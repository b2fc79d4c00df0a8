"""The directive ``keys``: lists every key of the settings, from the schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from debonair.project import settings

_NAMES = {
    "string": "text",
    "integer": "number",
    "boolean": "true or false",
    "array": "list",
    "object": "table",
}
_LONG = 60
"""Characters; a longer default is only in defaults.toml."""


class Keys(SphinxDirective):
    """``{keys}``: a list of the keys with their types, defaults and meanings."""

    def run(self) -> list[nodes.Node]:
        """Return the list."""
        tables = settings.schema()["$defs"]
        items = []
        for name, key in _all(tables, "Settings", ""):
            term = nodes.term("", "", nodes.literal(name, name), nodes.inline("", f" {_kind(key)}"))
            description = key.get("description", "")
            text = nodes.paragraph("", f"{description[:1].upper()}{description[1:]}. ")
            if "default" in key and len(default := json.dumps(key["default"])) <= _LONG:
                text += [nodes.inline("", "Default: "), nodes.literal(default, default)]
            items.append(nodes.definition_list_item("", term, nodes.definition("", text)))
        return [nodes.definition_list("", *items)]


def _all(tables: Mapping[str, Any], table: str, before: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, key in tables[table]["properties"].items():
        if "$ref" in key:
            yield from _all(tables, key["$ref"].rpartition("/")[2], f"{before}{name}.")
        else:
            yield f"{before}{name}", key


def _kind(key: Mapping[str, Any]) -> str:
    if "enum" in key:
        return "one of " + ", ".join(json.dumps(value) for value in key["enum"] if value)
    return _NAMES[key["type"]]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive with Sphinx."""
    app.add_directive("keys", Keys)
    return {"parallel_read_safe": True}
