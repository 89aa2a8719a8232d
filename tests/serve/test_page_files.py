"""The page's files: complete, nothing from another host, and no text parsed as HTML."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

from modelwright.serve import page
from modelwright.serve.page import ASSETS, HEADERS, asset

TEXTS = sorted(ASSETS)
SCRIPTS = [path for path in TEXTS if path.endswith(".js")]


def text(path: str) -> str:
    """A file's text, which must be there."""
    found = asset(path)
    if found is None:
        pytest.fail(f"{path} is missing")
    return found[0].decode("utf-8")


def test_every_file_of_the_folder_is_served_and_every_served_file_is_there() -> None:
    folder = Path(str(files(page)))
    there = {p.name for p in folder.iterdir() if p.suffix not in (".py", "") and p.is_file()}
    assert there == {name for name, _ in ASSETS.values()}
    for path in ASSETS:
        assert text(path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/page",
        "/page/",
        "/page/../__init__.py",
        "/page/__init__.py",
        "/index.html",
        "//",
        "/DOCS",
    ],
)
def test_no_other_path_is_served(path: str) -> None:
    assert asset(path) is None


def test_unknown_paths_leave_nothing_in_memory() -> None:
    asset("/")
    size = page._read_file.cache_info().currsize
    for number in range(100):
        assert asset(f"/page/{number}") is None
    assert page._read_file.cache_info().currsize == size


def test_files_have_explicit_content_types() -> None:
    assert {path: kind for path, (_, kind) in ASSETS.items() if path.endswith("css")} == {
        "/page/page.css": "text/css; charset=utf-8"
    }
    for path in SCRIPTS:
        assert ASSETS[path][1].startswith("text/javascript")
    assert HEADERS["x-content-type-options"] == "nosniff"


def test_the_policy_blocks_other_hosts_and_scripts_in_texts() -> None:
    policy = dict(part.split(" ", 1) for part in HEADERS["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in HEADERS["content-security-policy"]


@pytest.mark.parametrize("path", TEXTS)
def test_no_file_names_another_host(path: str) -> None:
    hosts = set(re.findall(r"(?:https?:)?//[\w.-]+\.[a-z]{2,}", text(path)))
    assert hosts <= {"http://www.w3.org"}  # a name in SVG, never fetched


@pytest.mark.parametrize("path", SCRIPTS)
def test_no_script_parses_text_as_html_or_code(path: str) -> None:
    risky = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc"
    assert not re.search(risky, text(path))


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_page_has_no_inline_script_or_style(path: str) -> None:
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]* src=)", text(path))


@pytest.mark.parametrize("path", ["/", "/docs", *SCRIPTS])
def test_every_file_that_a_page_loads_is_served(path: str) -> None:
    wanted = {f"/{name}" for name in re.findall(r'(?:src|href)="(page/[^"]+)"', text(path))}
    wanted |= {f"/page/{name}" for name in re.findall(r'from "\./([^"]+)"', text(path))}
    assert wanted <= set(ASSETS)


def test_both_languages_have_the_same_texts_and_no_text_is_missing() -> None:
    words = text("/page/translations.js")
    english, chinese = (
        set(re.findall(r"^    (\w+):", part, re.MULTILINE))
        for part in words.split("  en: {", 1)[1].split("};", 1)[0].split("  zh: {")
    )
    assert english == chinese
    scripts = "".join(text(path) for path in SCRIPTS)
    used = set(re.findall(r'\bsay\("(\w+)"', scripts))
    pages = text("/") + text("/docs")
    used |= set(re.findall(r'data-word(?:-label)?="(\w+)"', pages))
    assert used <= english
    named = set(re.findall(r'"(\w+)"', scripts.replace(words, "")))  # keys that are passed on
    assert english - {"other"} <= used | named
