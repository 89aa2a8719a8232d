"""Builds the documentation site from the Markdown pages and the docstrings: ``make docs``.

The pages stay where a reader of the repository expects them. This script copies them into one
folder for each language, points their links at the copies, lets Zensical build both sites, and
checks every link of the result. The result works from ``file://`` and loads nothing from elsewhere.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path, PurePosixPath
from posixpath import relpath

from check_site import site_problems

SITE = Path(__file__).parent
ROOT = SITE.parents[1]
BUILD = ROOT / "build"
PAGES = BUILD / "pages"
OUTPUT = BUILD / "site"
LANGUAGES = ("en", "zh")
FENCE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
LANGUAGE_BAR = re.compile(r"^\[(?:中文|English)\]\(.*\n\n", re.MULTILINE)
"""The line of links below a page's title; the site has a menu and a language switch instead."""
CHINESE_LINE_BREAK = re.compile(
    r"(?<=[\u3000-\u9fff\uff00-\uffef])\n *(?=[\u3000-\u9fff\uff00-\uffef])"
)
"""A line break within a Chinese sentence, which HTML would show as a space."""
PROJECT_PAGES = {
    "ARCHITECTURE.md": "architecture.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "LICENSE": "license.md",
    "SECURITY.md": "security.md",
    "benchmarks/README.md": "benchmarks.md",
}
"""Pages that exist in English only, and their names in the site."""


def staged_pages() -> dict[str, dict[str, str]]:
    """Returns, for each language, the staged name of every file, by its path in the repository."""
    english = {"README.md": "index.md", **PROJECT_PAGES}
    chinese = {"README.zh.md": "index.md"}
    for path in sorted((ROOT / "docs").glob("*.md")):
        english[f"docs/{path.name}"] = path.name
        chinese[f"docs/zh/{path.name}"] = path.name
    for path in sorted((ROOT / "docs" / "images").iterdir()):
        english[f"docs/images/{path.name}"] = f"images/{path.name}"
        chinese[f"docs/images/{path.name}"] = f"images/{path.name}"
    return {"en": english, "zh": chinese}


def stage(language: str, pages: dict[str, dict[str, str]]) -> None:
    """Copies the pages of one language, with their links changed."""
    folder = PAGES / language
    for source, name in pages[language].items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.suffix != ".md":
            shutil.copy(ROOT / source, target)
            continue
        text = (ROOT / source).read_text("utf-8")
        if source == "LICENSE":
            text = f"# License\n\n```text\n{text}```\n"
        target.write_text(changed_links(text, source, language, pages), "utf-8")
    reference = (SITE / language / "reference.md").read_text("utf-8")
    blocks = [f"::: modelwright.{name}\n" for name in public_names()]
    (folder / "reference.md").write_text("\n".join([reference, *blocks]), "utf-8")


def changed_links(text: str, source: str, language: str, pages: dict[str, dict[str, str]]) -> str:
    """Returns a page's text in which every relative link leads to a staged page.

    A page of the other language is not part of the same build, so the link names its HTML file.
    """
    [other] = set(LANGUAGES) - {language}

    def changed(match: re.Match[str]) -> str:
        target, mark, anchor = match[1].partition("#")
        if "://" in target or not target:
            return match[0]
        path = relpath(str(PurePosixPath(source).parent / target), ".")
        if path in pages[language]:
            link = pages[language][path]
        elif path in pages[other]:
            prefix = "zh/" if other == "zh" else "../"
            link = prefix + pages[other][path].replace(".md", ".html")
        else:
            raise SystemExit(f"error: {source} links to {target}, which is not a page of the site")
        return f"]({link}{mark}{anchor})"

    parts = FENCE.split(LANGUAGE_BAR.sub("", text, count=1))
    parts[::2] = [CHINESE_LINE_BREAK.sub("", LINK.sub(changed, part)) for part in parts[::2]]
    return "".join(parts)


def pages_missing_in_menu(language: str, pages: dict[str, dict[str, str]]) -> list[str]:
    """Returns the staged pages of a language that its menu does not name."""
    menu = set(re.findall(r"[\w-]+\.md", (SITE / f"{language}.yml").read_text("utf-8")))
    return sorted({name for name in pages[language].values() if name.endswith(".md")} - menu)


def public_names() -> list[str]:
    """Returns ``modelwright.__all__``, read without importing the package."""
    tree = ast.parse((ROOT / "src" / "modelwright" / "__init__.py").read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return [str(name) for name in ast.literal_eval(node.value)]
    raise SystemExit("error: modelwright/__init__.py has no __all__")


def main() -> None:
    """Builds both languages and checks the result."""
    for folder in (PAGES, OUTPUT, BUILD / "theme"):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(SITE / "theme", BUILD / "theme")
    for config in SITE.glob("*.yml"):
        shutil.copy(config, BUILD)
    pages = staged_pages()
    zensical = Path(sys.executable).with_name("zensical")
    for language in LANGUAGES:
        stage(language, pages)
        missing = pages_missing_in_menu(language, pages)
        if missing:
            raise SystemExit(f"error: docs/site/{language}.yml has no entry for {missing}")
        config = BUILD / f"{language}.yml"
        subprocess.run([zensical, "build", "--clean", "--strict", "-f", config], check=True)
    problems = site_problems(OUTPUT)
    if problems:
        raise SystemExit("\n".join([*problems, f"error: {len(problems)} problems in {OUTPUT}"]))
    print(f"the site: {OUTPUT / 'index.html'}")


if __name__ == "__main__":
    main()
