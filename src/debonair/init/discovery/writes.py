"""Find the files and folders beside its code that an app writes, for the setting ``writable``."""

from __future__ import annotations

import ast
import posixpath
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from debonair.init.discovery.code import Module
from debonair.init.discovery.finding import Finding
from debonair.init.discovery.path_values import Place, Values
from debonair.project import reader
from debonair.project.writable import CODE, problem

_KEY = ("writable",)
_FOLDERS = {"os.mkdir", "os.makedirs"}
_OPENERS = {"open", "io.open", "codecs.open", "gzip.open", "os.open"}
_DATABASES = {"sqlite3.connect", "aiosqlite.connect", "peewee.SqliteDatabase", "tinydb.TinyDB"}
_SHELVES = {"shelve.open": "c", "shelve.DbfilenameShelf": "c"} | dict.fromkeys(
    ("dbm.open", "dbm.gnu.open", "dbm.ndbm.open", "dbm.dumb.open", "dbm.sqlite3.open"), "r"
)
"""Calls that open a database of dbm, with the flag that they have by default. Only "r" does not write."""
_MOVERS = {"os.replace", "os.rename", "os.renames", "shutil.move"}
_TEMPORARY = {
    "tempfile.NamedTemporaryFile", "tempfile.mkstemp", "tempfile.mkdtemp", "tempfile.TemporaryDirectory",
}  # fmt: skip
"""Calls that create a file in the folder ``dir``."""
_LOGS = (
    "logging.FileHandler", "logging.handlers.RotatingFileHandler", "logging.handlers.WatchedFileHandler",
    "logging.handlers.TimedRotatingFileHandler",
)  # fmt: skip
_METHODS = {"mkdir": "folder", "write_text": "file", "write_bytes": "file", "touch": "file"}
"""Methods of a path that write there."""
_SETTINGS = {"UPLOAD_FOLDER", "MEDIA_ROOT", "UPLOAD_DIR", "UPLOADS_DEFAULT_DEST"}
"""The usual names of settings for folders of uploads."""
_BESIDE = "beside"
_ADDRESS = "sqlite"
_SHOWN = 3
"""The most places to show."""


@dataclass(frozen=True)
class Write:
    """A place in the code that writes, and the path there."""

    where: str
    """The file and line."""
    place: Place
    kind: str
    """``folder``, ``file``, ``log`` for a file beside which others may be created, or ``beside``.

    The last is for a file that is replaced, or has others beside it: only its folder can be led elsewhere.
    """


def find(root: Path, modules: Sequence[Module]) -> tuple[list[Finding], set[str], list[str]]:
    """Return the setting for what ``modules`` of the project in ``root`` write beside their code.

    Also return the files and lines of all such places, and sentences about what no setting can lead.
    """
    values = Values(modules)
    flask = any(name.partition(".")[0] == "flask" for each in modules for name, _ in each.imports())
    found, lost = dict[str, str](), dict[str, str]()
    places = set[str]()
    for module in modules:
        for write in _writes(module, values):
            if path := _path(root, write, flask=flask):
                found.setdefault(path, write.where)
                places.add(write.where)
            elif write.kind == _BESIDE and not _needs_nothing(write, flask=flask):
                lost.setdefault(write.place.path, write.where)
    found = {path: where for path, where in found.items() if path not in lost}
    paths = [path for path in found if not any(path.startswith(f"{other}/") for other in found)]
    notes = [_lost(lost)] if lost else []
    if not paths:
        return [], set(), notes
    shown = ", ".join(f"{found[path]} writes {path}" for path in paths[:_SHOWN])
    more = f", and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return [Finding("data beside the code", sorted(paths), f"{shown}{more}", _KEY)], places, notes


def _lost(lost: Mapping[str, str]) -> str:
    shown = ", ".join(f"{path} ({where})" for path, where in list(lost.items())[:_SHOWN])
    return (
        f"The app replaces these files, or creates others beside them: {shown}. So their folder must be "
        "writable, but it has the app's code. Move them to a folder of their own, such as data, and run "
        "'debonair init' again. Or write them below os.environ[\"STATE_DIRECTORY\"]."
    )


def _needs_nothing(write: Write, *, flask: bool) -> bool:
    """Tell whether the path of ``write`` is no data of the project, or leads to the data folder anyway."""
    path = write.place.path
    return bool(problem(path)) or (flask and path.removeprefix("src/").partition("/")[0] == "instance")


def _path(root: Path, write: Write, *, flask: bool) -> str:
    """Return what 'writable' must name for ``write``; empty if it cannot, or need not."""
    path, kind = write.place.path, write.kind
    if not write.place.whole:  # the code adds a name that is known only when it runs
        kind = "folder"
    parent = posixpath.dirname(path)
    if kind == "log" and parent and not _has_code(root / parent):
        path, kind = parent, "folder"
    if _needs_nothing(write, flask=flask):
        return ""
    if kind == _BESIDE:
        if not parent:
            return ""
        path, kind = parent, "folder"
    if kind == "folder":
        # Without an extension it is a folder, unless the project has a file there.
        shown = f"{path}/" if posixpath.splitext(path)[1] else path
        return "" if _is_reserved(root, path) else shown
    if reader.is_folder(root / path):
        return ""
    if not posixpath.splitext(path)[1] and not reader.is_file(root / path):
        return "" if _has_code(root / parent) or not parent else parent
    return path


def _is_reserved(root: Path, folder: str) -> bool:
    """Tell whether ``folder`` has code or shipped files, or a name under which Python looks for its own."""
    usual = posixpath.basename(folder) in {"static", "templates"}
    return usual or folder.removeprefix("src/") in sys.stdlib_module_names or _has_code(root / folder)


def _has_code(folder: Path) -> bool:
    return any(name.endswith(CODE) for _, _, names in reader.below(folder) for name in names)


def _writes(module: Module, values: Values) -> Iterator[Write]:
    """Yield the places in ``module`` that write to a known path of the project."""
    script = _of_the_script(module.tree)
    for node in module.nodes:
        if id(node) in script or not hasattr(node, "lineno"):
            continue
        for path, kind in _candidates(node, module, values):
            if place := values.place(path, module):
                yield Write(f"{module.path}:{node.lineno}", place, kind)


def _candidates(node: ast.AST, module: Module, values: Values) -> Iterator[tuple[ast.expr, str]]:
    """Yield each expression for a path that ``node`` writes to, and what is there."""
    match node:
        case ast.Call(func=ast.Attribute(value=owner, attr=name)) if name in _METHODS:
            yield owner, _METHODS[name]
        case ast.Call(func=ast.Attribute(value=owner, attr="open"), args=[mode, *_]) if _is_write(mode):
            yield owner, "file"
        case ast.Call(
            func=ast.Attribute(value=owner, attr="replace" | "rename"), args=[target], keywords=[]
        ):
            yield owner, _BESIDE
            yield target, _BESIDE
        case ast.Assign(targets=[target], value=value) if _setting(target) in _SETTINGS:
            yield value, "folder"
        case ast.Dict(keys=keys, values=items):
            yield from _of_table(dict(zip(map(_text, keys), items, strict=True)))
        case ast.Constant(value=str(text)) if text.startswith(_ADDRESS) and not values.in_instance:
            yield from _of_address(node, text)
        case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Add()) if text.startswith(_ADDRESS):
            yield node, "file"
        case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]) if text.startswith(_ADDRESS):
            yield node, "file"
        case _:
            pass
    if isinstance(node, ast.Call):
        words = {word.arg: word.value for word in node.keywords if word.arg}
        for name in _SETTINGS & words.keys():
            yield words[name], "folder"
        yield from _of_call(node, module, words)


def _of_call(node: ast.Call, module: Module, words: dict[str, ast.expr]) -> Iterator[tuple[ast.expr, str]]:
    called = module.dotted(node.func)
    called = called.removeprefix(f"{module.name}.") if called == f"{module.name}.open" else called
    first = node.args[0] if node.args else None
    if called == "logging.basicConfig" and "filename" in words:
        yield words["filename"], "log"
    elif called.endswith(_LOGS) and (first := first or words.get("filename")):
        yield first, "log"
    elif called in _TEMPORARY and "dir" in words:
        yield words["dir"], "folder"
    elif first is None:
        return
    elif called in _MOVERS:
        for path in node.args[:2]:
            is_folder = called == "shutil.move" and not posixpath.splitext(_text(path))[1]
            yield path, "folder" if is_folder else _BESIDE
    elif called in _SHELVES:
        flag = words.get("flag") or (node.args[1] if len(node.args) > 1 else None)
        if (_text(flag) or _SHELVES[called])[:1] != "r":
            yield first, _BESIDE
    elif called in _FOLDERS:
        yield first, "folder"
    elif called in _DATABASES:
        yield first, "file"
    elif called in _OPENERS:
        mode = words.get("mode") or (node.args[1] if len(node.args) > 1 else None)
        if mode is not None and _is_write(mode):
            yield first, "file"


def _of_table(table: dict[str, ast.expr]) -> Iterator[tuple[ast.expr, str]]:
    """Yield the file in a table of ``logging.config``, or the database in one of Django."""
    if "FileHandler" in _text(table.get("class")) and "filename" in table:
        yield table["filename"], "log"
    if "sqlite3" in _text(table.get("ENGINE")) and "NAME" in table:
        yield table["NAME"], "file"
    for name in _SETTINGS & table.keys():
        yield table[name], "folder"


def _of_address(node: ast.Constant, text: str) -> Iterator[tuple[ast.expr, str]]:
    """Yield the file of SQLAlchemy's address ``sqlite:///app.db``, which is in the working directory."""
    _, found, path = text.partition(":///")
    if found and path and not path.endswith("/"):
        yield ast.copy_location(ast.Constant(path.partition("?")[0]), node), "file"


def _setting(target: ast.expr) -> str:
    """Return the name of the setting that an assignment to ``target`` sets, or an empty text."""
    match target:
        case ast.Name(id=name):
            return name
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
    return ""


def _is_write(mode: ast.expr) -> bool:
    return bool(re.fullmatch(r"[rwaxbt+]{1,4}", _text(mode)) and set(_text(mode)) & set("wax+"))


def _text(node: ast.expr | None) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else ""


def _of_the_script(tree: ast.Module) -> set[int]:
    """Return the nodes that run only when the module is called as a script."""
    return {
        id(inner)
        for node in tree.body
        if isinstance(node, ast.If) and "__main__" in ast.unparse(node.test)
        for part in node.body
        for inner in ast.walk(part)
    }
