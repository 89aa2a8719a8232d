"""The page of a report in a real browser: accessibility, no other host, without JavaScript.

Takes Debian's chromium and chromium-driver and the packages selenium and axe-core-python.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import modelwright
from kept_runs import EVIL, RTL, evaluate_kept_run, make_kept_run, write_reviews
from sample_data import write_images
from search_records import failed_trial, search_json, search_trials
from serve.browser import NEEDS_BROWSER, Page
from stream_records import strategy_json, stream_json
from study_records import study_json, variant_json

AXE = ("axe_playwright_python", "axe_core_python")
"""Packages that ship axe-core, the one with the newer version first."""
pytestmark = NEEDS_BROWSER
Browse = Callable[..., Page]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page of each kind in each language."""
    folder = tmp_path_factory.mktemp("pages")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        text = make_kept_run(Path("runs/text"), write_reviews(Path("text.csv"), rows=200))
        image = make_kept_run(Path("runs/image"), write_images(Path("colors"), 20), recipe="cnn")
        evil = make_kept_run(
            Path("runs/evil"), write_reviews(Path("evil.csv"), (EVIL, "b" * 9000, RTL), rows=200)
        )
        for run in (text, image, evil):
            evaluate_kept_run(run)
        study = Path("studies/depth")
        study.mkdir(parents=True)
        variants = (variant_json("a", 0.85), variant_json("b", None, reference="a"))
        (study / "study.json").write_text(json.dumps(study_json(*variants)))
        search = Path("tunings/reviews")
        search.mkdir(parents=True)
        (search / "tuning.json").write_text(
            json.dumps(
                search_json(
                    [*search_trials(12), failed_trial(12, EVIL)],
                    search={"max_latency": 3.5},
                    pareto=[3],
                )
            )
        )
        stream = Path("streams/shop")
        stream.mkdir(parents=True)
        known = [strategy_json(name, 0.8) for name in ("naive", EVIL, RTL, "der", "ewc", "counts")]
        missing = [{"order": 1, "seed": 0, "strategy": EVIL}]
        (stream / "stream.json").write_text(
            json.dumps(stream_json(*known, missing=1, missing_cells=missing, failures=[EVIL]))
        )
        places: dict[str, list[Path]] = {
            "text": [text.path], "image": [image.path], "study": [study], "evil": [evil.path],
            "search": [search], "stream": [stream],
            "all": [text.path, image.path, evil.path, study, search, stream],
        }  # fmt: skip
        return {
            f"{name} {lang}": folder / modelwright.report(some, f"{name}-{lang}.html", lang).file
            for name, some in places.items()
            for lang in ("en", "zh")
        }


@pytest.fixture
def browse() -> Iterator[Browse]:
    """Open a page in a browser; it is closed at the end."""
    opened: list[Page] = []

    def start(file: Path, *arguments: Any, script: bool = True, **options: Any) -> Page:
        page = Page(file.as_uri(), *arguments, **options)
        opened.append(page)
        if not script:
            page.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        page.open()
        return page

    yield start
    for page in opened:
        page.driver.quit()


def axe() -> str:
    """The source of axe-core."""
    for name in AXE:
        if spec := importlib.util.find_spec(name):
            return (Path(str(spec.origin)).parent / "axe.min.js").read_text("utf-8")
    pytest.skip("needs axe-core: pip install axe-core-python")


@pytest.mark.parametrize(("size", "dark"), [("desk", False), ("phone", True)])
def test_axe_finds_nothing(pages: dict[str, Path], browse: Browse, size: str, dark: bool) -> None:
    source, page = axe(), None
    for name, file in pages.items():
        if page is None:
            page = browse(file, size, dark=dark)
        page.driver.get(file.as_uri())
        # By the protocol, which the policy of the page does not bind.
        run = f"{source};axe.run().then((found) => JSON.stringify(found.violations))"
        options = {"expression": run, "awaitPromise": True, "returnByValue": True}
        answer = page.driver.execute_cdp_cmd("Runtime.evaluate", options)
        found = [
            (one["id"], one["nodes"][0]["html"]) for one in json.loads(answer["result"]["value"])
        ]
        assert found == [], name
        assert page.contrast() >= 4.5, name
        assert page.wider() <= 0, name
        assert page.driver.title != "owned"


def test_no_other_host_and_no_complaint(pages: dict[str, Path], browse: Browse) -> None:
    for name in ("all en", "evil zh"):
        page = browse(pages[name])
        asked = [url for url in page.requests() if not url.startswith("data:")]
        assert asked == [pages[name].as_uri()]
        assert page.complaints() == []
        assert (
            page.driver.execute_script("return document.querySelectorAll('main script').length")
            == 0
        )


def test_tables_sort_by_keyboard_and_say_so(pages: dict[str, Path], browse: Browse) -> None:
    page = browse(pages["image en"])
    table = "#classes h2 + .scroll table.sortable"

    def column(number: int) -> list[str]:
        cells = page.driver.find_elements(
            "css selector", f"{table} tbody tr > :nth-child({number})"
        )
        return [cell.text for cell in cells]

    header = page.find(f"{table} th:nth-child(3) button")
    header.send_keys("\n")
    values = [float(cell.removesuffix(" %")) for cell in column(3)]
    assert values == sorted(values, reverse=True)
    assert page.find(f"{table} th:nth-child(3)").get_attribute("aria-sort") == "descending"
    header.send_keys("\n")
    values = [float(cell.removesuffix(" %")) for cell in column(3)]
    assert values == sorted(values)
    page.find(f"{table} th:nth-child(1) button").send_keys("\n")
    assert column(1) == ["blue", "green", "red"]
    assert page.find(f"{table} th:nth-child(3)").get_attribute("aria-sort") is None


def test_without_javascript_everything_is_there(pages: dict[str, Path], browse: Browse) -> None:
    page = browse(pages["text en"], script=False)
    assert page.driver.find_elements("css selector", "th button") == []
    shown = page.find("main").text
    for text in ("Model card", "this model", "Accuracy by length", "Worst mistakes", "curl -d"):
        assert text in shown
    assert all(
        one.is_displayed() for one in page.driver.find_elements("css selector", "figure svg")
    )
    page.find("details summary").click()
    assert page.find("details table").is_displayed()


def test_it_prints_light_with_all_tables(pages: dict[str, Path], browse: Browse) -> None:
    page = browse(pages["text en"], dark=True)
    script = "return getComputedStyle(document.body).backgroundColor"
    assert page.driver.execute_script(script) == "rgb(18, 21, 23)"
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert page.driver.execute_script(script) == "rgb(255, 255, 255)"
    assert page.driver.execute_script(
        "return document.querySelector('details table').getBoundingClientRect().height > 20"
    )
    pdf = page.driver.execute_cdp_cmd("Page.printToPDF", {})["data"]
    assert len(pdf) > 10_000
