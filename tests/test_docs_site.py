"""The site's links lead to pages, and its check finds what is broken or comes from elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

import modelwright
from build_site import (
    LANGUAGES,
    changed_links,
    pages_missing_in_menu,
    public_names,
    staged_pages,
)
from check_site import site_problems


@pytest.mark.parametrize(
    ("source", "language", "link", "expected"),
    [
        ("README.md", "en", "docs/data.md#named-sets", "data.md#named-sets"),
        ("docs/data.md", "en", "../benchmarks/README.md", "benchmarks.md"),
        ("docs/zh/data.md", "zh", "../images/serve-zh.png", "images/serve-zh.png"),
        ("docs/zh/data.md", "zh", "../data.md", "../data.html"),
        ("README.md", "en", "README.zh.md", "zh/index.html"),
        ("README.zh.md", "zh", "LICENSE", "../license.html"),
        ("README.md", "en", "https://example.com/a.md", "https://example.com/a.md"),
    ],
)
def test_a_link_leads_to_the_staged_page(
    source: str, language: str, link: str, expected: str
) -> None:
    text = f"See [this]({link}).\n\n```text\n[a]({link})\n```\n"
    changed = changed_links(text, source, language, staged_pages())
    assert changed == f"See [this]({expected}).\n\n```text\n[a]({link})\n```\n"


def test_a_link_to_a_file_outside_of_the_site_is_an_error() -> None:
    with pytest.raises(SystemExit, match=r"docs/data\.md links to \.\./Makefile, which is not a"):
        changed_links("[a](../Makefile)", "docs/data.md", "en", staged_pages())


def test_chinese_lines_are_joined_without_a_space() -> None:
    text = "一行，\n另一行 ONNX\n文件\n\n一段"
    joined = changed_links(text, "docs/zh/data.md", "zh", staged_pages())
    assert joined == "一行，另一行 ONNX\n文件\n\n一段"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_menu_names_every_page(language: str) -> None:
    assert pages_missing_in_menu(language, staged_pages()) == []


def test_the_reference_lists_every_public_name() -> None:
    assert public_names() == modelwright.__all__


def test_the_check_finds_broken_links_and_other_hosts(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<h1 id="top">A</h1><a href="b.html#end">b</a>', "utf-8")
    (tmp_path / "b.html").write_text('<p id="end"><a href="a.html#top">a</a>', "utf-8")
    assert site_problems(tmp_path) == []
    (tmp_path / "b.html").write_text(
        '<a href="a.html#no">a</a><a href="c.html">c</a><script src="//cdn.example/x.js"></script>'
        '<link rel="stylesheet" href="https://fonts.example/f.css">',
        "utf-8",
    )
    assert site_problems(tmp_path) == [
        "a.html links to b.html#end: no such anchor",
        "b.html loads //cdn.example/x.js",
        "b.html loads https://fonts.example/f.css",
        "b.html links to a.html#no: no such anchor",
        "b.html links to c.html: no such file",
    ]
