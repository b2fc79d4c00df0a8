"""The folders that nginx serves itself, and the paths in them that the app must serve."""

from __future__ import annotations

from collections.abc import Iterator

from debonair.errors import ProjectError
from debonair.project import Project
from debonair.project.writable import is_below
from debonair.target import Target
from debonair.tree.service import literals


def locations(project: Project, target: Target, to_app: str) -> str:
    """Return the locations of the folders in 'static', for nginx; ``to_app`` passes a request to the app.

    nginx cannot read the data folder, which only the app can. So the app serves the paths of 'writable'
    that are in a static folder. Raises ``ProjectError`` for a static folder that is itself writable.
    """
    base = f"/usr/lib/{project.package}/current"
    places: dict[str, str] = {}
    for prefix, folder in project.static.items():
        url = prefix.rstrip("/") + "/"
        if f"^~ {url}" in places:
            raise ProjectError(
                f"{project.config_file.name}: 'static' has '{url}' twice, with and without a final slash.",
                hint="Keep one of them.",
            )
        if is_below(folder.strip("/"), project.writable):
            raise ProjectError(
                f"{project.config_file.name}: 'static' serves {prefix} from '{folder}', which 'writable' "
                "leads to the data folder. Only the app can read that.",
                hint=f"In 'writable', name only the paths in {folder} that the app writes, such as "
                f"'{folder}/uploads'. Or remove {prefix} from 'static': then the app must serve these "
                "files.",
            )
        inside = folder.strip("/")
        if project.install == "files":
            path = f"{base}/app/{inside}/"
        else:
            inside = inside.removeprefix(f"{project.import_root}/") if project.import_root else inside
            path = f"{base}/venv/lib/python{target.python}/site-packages/{inside}/"
        alias = literals.nginx_path(project, f"static.{prefix}", path)
        places[f"^~ {url}"] = f"    alias {alias};\n    expires 1h;"
        places |= dict.fromkeys(_of_the_app(project, url, inside), to_app)
    return "\n".join(f"\nlocation {place} {{\n{body}\n}}" for place, body in sorted(places.items()))


def _of_the_app(project: Project, url: str, folder: str) -> Iterator[str]:
    """Yield what nginx's location matches for each writable path in the static ``folder`` of ``url``."""
    for path in project.writable:
        if path.startswith(f"{folder}/"):
            quoted = literals.nginx_path(project, "writable", f"{url}{path.removeprefix(f'{folder}/')}")
            yield f"^~ {quoted}" if path.endswith("/") else f"= {quoted}"
