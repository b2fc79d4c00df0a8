"""What somebody who listens, or who owns one of several servers, hears of the passwords of an index.

Nothing is sent: requests' own adapter is replaced, and whatever would go out is looked at.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3

from debonair.lock.download import over_http

ENVIRON = {"PIP_CONFIG_FILE": "/dev/null", "UV_INDEX_URL": "https://me:secret@index.example/simple"}
Wire = dict[str, str | None]
"""By each address that was asked, the name and password that came along."""


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str, Mapping[str, str]], Wire]:
    """Return what is heard when an address is fetched, where some addresses lead to others."""
    netrc = tmp_path / "netrc"
    netrc.write_text(
        "machine index.example login me password netrc\nmachine files.example login me password files\n"
    )
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    def fetch(url: str, leads: Mapping[str, str], environ: Mapping[str, str] = ENVIRON) -> Wire:
        heard: Wire = {}

        def send(_: object, request: requests.PreparedRequest, **__: Any) -> requests.Response:
            answer = requests.Response()
            answer.url = request.url or ""
            answer.request = request
            answer.status_code = 302 if answer.url in leads else 200
            answer.headers["Location"] = leads.get(answer.url, "")
            answer.raw = urllib3.HTTPResponse(io.BytesIO(), preload_content=False)
            credentials = request.headers.get("Authorization", "").removeprefix("Basic ")
            heard[answer.url] = base64.b64decode(credentials).decode() or None
            return answer

        monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
        with over_http(environ)(url) as pieces:
            assert list(pieces) == []
        return heard

    return fetch


def test_the_index_itself_hears_its_password(wire: Any) -> None:
    assert wire("https://index.example/a.whl", {}) == {"https://index.example/a.whl": "me:secret"}


@pytest.mark.parametrize("url", ["http://index.example/a.whl", "https://index.example:8443/a.whl"])
def test_hears_what_was_meant_for_another_port(wire: Any, url: str) -> None:
    """The address stands in a lock, which somebody else may have written."""
    assert "secret" not in str(wire(url, {}))


@pytest.mark.parametrize(
    "to",
    [
        "http://index.example/a.whl",
        "http://index.example:8080/a.whl",
        "https://index.example:8443/a.whl",
        "https://other.example/a.whl",
        "http://files.example/a.whl",
    ],
)
def test_leads_the_password_elsewhere(wire: Any, to: str) -> None:
    heard = wire("https://index.example/a.whl", {"https://index.example/a.whl": to})
    assert heard["https://index.example/a.whl"] == "me:secret"
    assert "secret" not in str(heard[to])
    if to.startswith("http:"):
        assert heard[to] is None, "anybody on the way hears that"


def test_a_redirect_on_the_same_server_keeps_it(wire: Any) -> None:
    to = "https://index.example/files/a.whl"
    assert wire("https://index.example/a.whl", {"https://index.example/a.whl": to})[to] == "me:secret"


def test_netrc_holds_for_the_server_that_is_led_to(wire: Any) -> None:
    to = "https://files.example/a.whl"
    assert wire("https://index.example/a.whl", {"https://index.example/a.whl": to})[to] == "me:files"
