"""Checks a built site: every link has its target, and no page loads anything from another host."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src")}
LINKED = {("a", "href")}


class Page(HTMLParser):
    """The anchors, links and loaded files of one page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collects what a tag names."""
        for name, value in attrs:
            if value is None:
                continue
            if name == "id":
                self.anchors.add(value)
            elif (tag, name) in LINKED:
                self.links.append(value)
            elif (tag, name) in LOADED or (tag == "link" and name == "href" and loads(attrs)):
                self.loaded.append(value)


def loads(attrs: list[tuple[str, str | None]]) -> bool:
    """Returns whether a browser fetches a ``link`` tag's target to show the page."""
    return dict(attrs).get("rel") in ("stylesheet", "preconnect", "icon", "preload")


def site_problems(folder: Path) -> list[str]:
    """Returns one line for each broken link and each file loaded from another host."""
    pages = {path: Page(path) for path in sorted(folder.rglob("*.html")) if path.name != "404.html"}
    problems = []
    for path, page in pages.items():
        name = path.relative_to(folder)
        for address in page.loaded:
            if urlsplit(address).netloc:
                problems.append(f"{name} loads {address}")
        for address in [*page.loaded, *page.links]:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            if not target.is_file():
                problems.append(f"{name} links to {address}: no such file")
            elif anchor and target in pages and anchor not in pages[target].anchors:
                problems.append(f"{name} links to {address}: no such anchor")
    return problems
