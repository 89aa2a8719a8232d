"""Pages of other sites (CORS), the question OPTIONS, and a proxy's prefix of paths."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from in_process import InProcessServer
from server_process import Reply

from modelwright.core.errors import ConfigError
from modelwright.serve.config import ServeConfig, Site, check_config
from modelwright.serve.rest.routes import allowed_methods
from modelwright.serve.service.api_keys import read_api_keys

APP, OTHER, KEY = "https://app.example", "https://other.example", "k" * 20
PREDICT = "/v1/models/half:predict"
BODY = b'{"instances": [2]}'

Start = Callable[..., InProcessServer]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[InProcessServer] = []

    def build(root_path: str = "", *origins: str, keys: bool = False) -> InProcessServer:
        options = {}
        if keys:
            (tmp_path / "keys").write_text(f"me {KEY}\n")
            options["access"] = read_api_keys(tmp_path / "keys", 0.0)
        started.append(InProcessServer(tmp_path, site=Site(root_path, origins), **options))
        return started[-1]

    yield build
    for server in started:
        server.close()


def ask_first(server: InProcessServer, origin: str, path: str = PREDICT) -> Reply:
    """The question of a browser before a request."""
    headers = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
    }
    return server.send("OPTIONS", path, b"", headers)


def test_a_page_of_a_named_origin_may_ask_and_read(start: Start) -> None:
    server = start("", APP, "http://localhost:3000", keys=True)
    reply = ask_first(server, APP)  # without a key, as browsers do
    assert (reply.status, reply.content) == (204, b"")
    assert reply.headers["access-control-allow-origin"] == APP
    assert reply.headers["access-control-allow-methods"] == "POST"
    assert "authorization, content-type" in reply.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in reply.headers
    assert not {"content-length", "content-type"} & reply.headers.keys()
    known = {"origin": APP, "authorization": f"Bearer {KEY}"}
    for headers, status in ((known, 200), ({"origin": APP}, 401)):
        reply = server.send("POST", PREDICT, BODY, headers)
        assert (reply.status, reply.headers["access-control-allow-origin"]) == (status, APP)
        assert "x-model-version" in reply.headers["access-control-expose-headers"]
        assert reply.headers["vary"] == "origin"


def test_a_page_of_another_origin_may_not(start: Start) -> None:
    server = start("", APP)
    for reply in (
        ask_first(server, OTHER),
        ask_first(server, "null"),
        ask_first(server, f"{APP}.evil.example"),
        server.send("POST", PREDICT, BODY, {"origin": OTHER}),
        server.send("POST", PREDICT, BODY),
    ):
        assert not [name for name in reply.headers if name.startswith("access-control")]
        assert reply.headers["vary"] == "origin"


def test_every_origin_may_with_an_asterisk(start: Start) -> None:
    server = start("", "*")
    reply = ask_first(server, OTHER)
    assert reply.headers["access-control-allow-origin"] == "*" and "vary" not in reply.headers
    reply = server.send("GET", "/v1/models", b"", {"origin": OTHER})
    assert reply.headers["access-control-allow-origin"] == "*"


def test_without_the_option_no_other_page_may(start: Start) -> None:
    server = start()
    reply = ask_first(server, APP)
    assert (reply.status, reply.headers["allow"]) == (204, "POST, OPTIONS")
    assert not {name for name in reply.headers if name.startswith(("access-control", "vary"))}


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        (PREDICT, ("POST",)),
        ("/v1/models/half", ("GET", "HEAD")),
        ("/v1/models/half/labels/a/metadata", ("GET", "HEAD")),
        ("/healthz", ("GET", "HEAD")),
        ("*", ("GET", "HEAD", "POST")),
        ("/v1/half", ()),
        ("/page/page.css", ()),  # no row of the table, but a file
    ],
)
def test_a_path_knows_its_methods(start: Start, path: str, methods: tuple[str, ...]) -> None:
    assert allowed_methods(path) == methods
    reply = start().send("OPTIONS", path)
    if methods or path.startswith("/page"):
        assert reply.headers["allow"] == ", ".join((*(methods or ("GET", "HEAD")), "OPTIONS"))
    else:
        assert (reply.status, reply.error) == (400, f"Malformed request: OPTIONS {path}")


def test_a_prefix_is_optional_in_paths_and_named_in_the_description(start: Start) -> None:
    server = start("/ai/mw")
    for prefix in ("", "/ai/mw"):
        assert server.send("POST", f"{prefix}{PREDICT}", BODY).status == 200
        for path in ("/", "/docs", "/page/page.css", "/readyz", "/monitoring/prometheus/metrics"):
            assert server.send("GET", f"{prefix}{path}").status == 200, path
        assert server.send("GET", f"{prefix}/openapi.json").json["servers"] == [{"url": "/ai/mw"}]
        assert server.send("GET", f"{prefix}/nothing").status == 404
    # The page loads its files from beside itself, so its path must end with a slash.
    reply = server.send("GET", "/ai/mw")
    assert (reply.status, reply.headers["location"]) == (308, "/ai/mw/")
    assert server.send("GET", "/ai/mwx/healthz").status == 404
    assert server.send("GET", "/ai/healthz").status == 404


def test_the_page_names_its_files_relative_to_itself() -> None:
    from modelwright.serve import page

    for path in ("/", "/docs"):
        content, _ = page.asset(path) or (b"", "")
        assert b'href="page/page.css"' in content and b'="/' not in content


@pytest.mark.parametrize(
    ("site", "message"),
    [
        (Site("models"), "--root-path was given 'models'; expected the prefix that a proxy adds"),
        (Site("/a//b"), "--root-path was given '/a//b'"),
        (Site("/a/../b"), "but no part '.' or '..'"),
        (Site("/v1/x"), "begins like a path of the server itself"),
        (Site("", ("app.example",)), "--cors-origin was given 'app.example'; expected [*] or"),
        (Site("", (f"{APP}/",)), "without a path"),
        (Site("", ("https://App.example",)), "in small letters"),
        (Site("", (f"{APP}:443",)), "without the usual port"),
        (Site("", ("https://*.example",)), "A part of it cannot be [*]"),
        (Site("", ("https://例え.example",)), "a host of other letters as xn--"),
    ],
    ids=str,
)
def test_what_no_browser_or_proxy_sends_is_refused(
    tmp_path: Path, site: Site, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        check_config(ServeConfig(str(tmp_path), site=site))
    good = Site(
        "/a/b-c", ("*", APP, "http://localhost:3000", "http://[::1]:8080", "chrome-extension://abc")
    )
    config = ServeConfig(str(tmp_path), site=good)
    assert ServeConfig.from_json(check_config(config).to_json()) == config
