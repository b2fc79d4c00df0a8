from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from samples import sample_project, sample_service

from debonair.errors import ProjectError
from debonair.project.settings import Nginx
from debonair.tree.service import literals


def service(**environment: str) -> dict[str, Any]:
    return {"service": sample_service(environment=environment)}


def nginx(server_name: str = "~.", listen: tuple[str, ...] = ("80",), size: str = "1m") -> dict[str, Any]:
    return {"nginx": Nginx(server_name=server_name, listen=list(listen), client_max_body_size=size)}


def test_environment_is_quoted_as_systemd_reads_it() -> None:
    project = sample_project(**service(B="a b", A='50% "\\'))
    assert (
        literals.unit_environment(project, project.service.environment)
        == 'Environment="A=50%% \\"\\\\"\nEnvironment="B=a b"'
    )


def test_options_keep_their_order_and_repeat() -> None:
    project = sample_project(
        uwsgi={"threads": 4, "lazy-apps": True, "route": ["a", "b"], "ignore-sigpipe": False}
    )
    assert literals.ini_options(project).splitlines() == [
        "threads = 4",
        "lazy-apps = true",
        "route = a",
        "route = b",
        "ignore-sigpipe = false",
    ]


@pytest.mark.parametrize("loop", ["gevent", "asyncio", "async"])
def test_threads_beside_an_event_loop_are_refused(loop: str) -> None:
    assert literals.ini_options(sample_project(uwsgi={loop: 9, "threads": 1})) == f"{loop} = 9\nthreads = 1"
    with pytest.raises(ProjectError, match=f"uwsgi.threads' does not work with uwsgi.{loop}") as caught:
        literals.ini_options(sample_project(uwsgi={loop: 9, "threads": 4}))
    assert caught.value.hint == "Leave it out."


def test_names_of_a_site() -> None:
    project = sample_project(**nginx(r"example.org  ~^www\d+\.example\.org$"))
    assert literals.nginx_server_name(project) == r"example.org ~^www\d+\.example\.org$"


def test_listen() -> None:
    values = ("80", "[::]:80 default_server", "127.0.0.1:8080", "443 ssl backlog=5", "unix:/run/x.sock")
    assert tuple(literals.nginx_listen(sample_project(**nginx(listen=values)))) == values


def test_a_path_is_quoted() -> None:
    assert literals.nginx_path(sample_project(), "static", 'a b"\\') == '"a b\\"\\\\"'


@pytest.mark.parametrize(
    ("key", "changes"),
    [
        ("service.environment.A", service(A="x\nUser=root")),
        ("service.environment.A B", service(**{"A B": "x"})),
        ("service.environment.A=B", service(**{"A=B": "x"})),
        ("uwsgi.threads", {"uwsgi": {"threads": "4\nexec-as-root = x"}}),
        ("uwsgi.route", {"uwsgi": {"route": ["a", "b\r"]}}),
        ("uwsgi.a = b", {"uwsgi": {"a = b": 1}}),
        ("uwsgi.uid", {"uwsgi": {"uid": "root"}}),
        ("uwsgi.module", {"uwsgi": {"module": "other"}}),
        ("uwsgi.py-call-osafterfork", {"uwsgi": {"py-call-osafterfork": True}}),
        ("nginx.listen", nginx(listen=("80; return 200",))),
        ("nginx.listen", nginx(listen=("80\n",))),
        ("nginx.server-name", nginx("")),
        ("nginx.server-name", nginx("a; return 200")),
        ("nginx.server-name", nginx("a\n}")),
        ("nginx.server-name", nginx("~^a{2}$")),
        ("nginx.client-max-body-size", nginx(size="big")),
        ("nginx.client-max-body-size", nginx(size="1m;")),
    ],
)
def test_what_would_leave_its_place_is_refused(key: str, changes: dict[str, Any]) -> None:
    for file, prefix in (("pyproject.toml", "tool.debonair."), ("debonair.toml", "")):
        project = sample_project(config_file=Path(file), **changes)
        with pytest.raises(ProjectError, match=re.escape(f"{file}: '{prefix}{key}' ")) as refused:
            [
                literals.unit_environment(project, project.service.environment),
                literals.ini_options(project),
                list(literals.nginx_listen(project)),
                literals.nginx_server_name(project),
                literals.nginx_size(project),
            ]
        assert refused.value.hint


def test_a_description_of_two_lines_is_refused() -> None:
    with pytest.raises(ProjectError, match=r"'tool\.debonair\.description'"):
        literals.unit_text(sample_project(), "description", "a\nUser=root")


def test_a_folder_with_a_dollar_sign_is_refused() -> None:
    with pytest.raises(ProjectError, match=r"'tool\.debonair\.static\./s/' is 'a\$b'"):
        literals.nginx_path(sample_project(), "static./s/", "a$b")
