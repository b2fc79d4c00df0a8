from __future__ import annotations

import re
from pathlib import Path

import debonair

_DIRECT = re.compile(r"\bmsgspec\.(?:convert\b|\w+\.(?:decode|Decoder)\b)")


def test_only_one_module_decodes() -> None:
    """Targets are built by threads, and msgspec may crash when two of them first use a type together."""
    root = Path(debonair.__file__).parent
    found = {
        path.relative_to(root).as_posix() for path in root.rglob("*.py") if _DIRECT.search(path.read_text())
    }
    assert found == {"host/decoder.py"}
