"""The page of conformance cases states the number of cases that there are."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = ("test_conformance", "test_conformance_exported", "test_versions_live")
PAGES = [ROOT / "docs" / "serving-conformance.md", ROOT / "docs/zh/serving-conformance.md"]


def collected(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """The file and the name of each case, from this run if it has all of them."""
    whole = not request.config.option.keyword and "::" not in " ".join(request.config.args)
    items = [(item.path.stem, item.name) for item in request.session.items]
    if whole and set(FILES) <= {file for file, _ in items}:
        yield from (item for item in items if item[0] in FILES)
        return
    files = [f"tests/serve/{name}.py" for name in FILES]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:xdist", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    yield from re.findall(r"^tests/serve/(\w+)\.py::(\w+)", done.stdout, re.MULTILINE)


@pytest.fixture(scope="module")
def cases(request: pytest.FixtureRequest) -> list[int]:
    """The number of cases of REST, of gRPC, of exported servables, and of versions."""
    found: Counter[str] = Counter()
    for file, name in collected(request):
        rest = file == FILES[0] and name.startswith("test_rest")
        found["rest" if rest else file] += 1
    return [found[group] for group in ("rest", *FILES)]


@pytest.mark.parametrize("page", PAGES, ids=["en", "zh"])
def test_the_page_counts_the_cases(page: Path, cases: list[int]) -> None:
    counts = re.findall(
        r"^\| [^|]+ \| (\d+) \| `tests/serve/", page.read_text("utf-8"), re.MULTILINE
    )
    assert [int(count) for count in counts] == cases
