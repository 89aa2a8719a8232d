"""The page of cases counts what there is."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = ("test_conformance", "test_conformance_own", "test_versions_live")
PAGES = [ROOT / "docs" / "serving-conformance.md", ROOT / "docs/zh/serving-conformance.md"]


@pytest.fixture(scope="module")
def cases() -> list[int]:
    """Cases of REST, of gRPC, of the own servables, of versions."""
    found: Counter[str] = Counter()
    files = [f"tests/serve/{name}.py" for name in FILES]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:xdist", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    for file, name in re.findall(r"^tests/serve/(\w+)\.py::(\w+)", done.stdout, re.MULTILINE):
        rest = file == FILES[0] and name.startswith("test_rest")
        found["rest" if rest else file] += 1
    return [found[group] for group in ("rest", *FILES)]


@pytest.mark.parametrize("page", PAGES, ids=["en", "zh"])
def test_the_page_counts_the_cases(page: Path, cases: list[int]) -> None:
    counts = re.findall(
        r"^\| [^|]+ \| (\d+) \| `tests/serve/", page.read_text("utf-8"), re.MULTILINE
    )
    assert [int(count) for count in counts] == cases
