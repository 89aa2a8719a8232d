"""The switch "Why?" of the page in a real browser: marks in a text, a heat map, and no explanation.

It takes the same packages as ``test_page.py``. MODELWRIGHT_SCREENSHOTS names a folder for images.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import EVIL, NEEDS_BROWSER, Page, Server
from explaining_command import COMMAND
from small_servables import COLORS

pytestmark = NEEDS_BROWSER
REFUSE = """
const real = window.fetch;
window.fetch = async (path, options) => {
  if (!String(path).endsWith(":explain")) return real(path, options);
  window.fetch = real;
  return new Response(JSON.stringify({error: arguments[0]}), {status: 503});
};
"""
SLOW = """
const real = window.fetch;
window.fetch = async (path, options) => {
  if (String(path).endsWith(":explain")) await new Promise((done) => { window.goOn = done; });
  return real(path, options);
};
"""


@pytest.fixture(scope="module")
def models(
    small_text_servable: Path, small_image_servable: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder of a model of texts and one of images."""
    folder = tmp_path_factory.mktemp("explained")
    for servable in (small_text_servable, small_image_servable):
        shutil.copytree(servable.parent, folder / servable.parent.name)
    return folder


@pytest.fixture(scope="module")
def url(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that explains."""
    server = Server(models, tmp_path_factory.mktemp("server"), "--explain", command=COMMAND)
    yield server.url
    server.stop()


@pytest.fixture
def page(url: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A browser; its size and language may be a parameter."""
    size, language = getattr(request, "param", ("desk", "en-US"))
    opened = Page(url, size, language)
    yield opened
    assert opened.wider() <= 0
    assert opened.contrast() >= 4.5
    opened.driver.quit()


def enter(page: Page, text: str) -> None:
    """Put a text into the field, emoji too, which the driver cannot type."""
    script = "const t = document.getElementById('text'); t.value = arguments[0];"
    page.driver.execute_script(script + "t.dispatchEvent(new Event('input'));", text)


def explained(page: Page) -> None:
    page.until(lambda: page.find("#why-result").is_displayed())


def marks(page: Page) -> dict[str, str]:
    """What each marked part of the text is marked as, by its text."""
    found = page.driver.find_elements("css selector", "#why-text mark")
    return {one.text: str(one.get_attribute("class")).split()[0] for one in found}


def shoot(page: Page, name: str) -> None:
    if folder := os.environ.get("MODELWRIGHT_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.shoot(Path(folder) / f"{name}.png")


@pytest.mark.parametrize(
    "page", [("desk", "en-US"), ("phone", "zh-CN")], indirect=True, ids=["desk", "phone"]
)
def test_marks_stand_where_the_words_are_after_emoji_too(page: Page) -> None:
    page.open("sentiment")
    text = f"😀👩‍👩‍👧 wonderful 好 film 🇨🇳 dreadful {EVIL}\nboring"
    enter(page, text)
    page.ask()
    assert not page.find("#why-result").is_displayed()
    page.find("#why-on").click()
    explained(page)
    assert page.find("#why-text").get_attribute("textContent") == text
    assert marks(page) == {
        **dict.fromkeys(("wonderful", "好"), "against"),
        **dict.fromkeys(("dreadful", "boring"), "for"),
    } or marks(page) == {
        **dict.fromkeys(("wonderful", "好"), "for"),
        **dict.fromkeys(("dreadful", "boring"), "against"),
    }
    lists = page.text("why-lists")
    assert "wonderful" in lists and "dreadful" in lists
    lines = {
        kind: page.find(f"mark.{kind}").value_of_css_property("text-decoration-style")
        for kind in ("for", "against")
    }
    assert lines == {"for": "solid", "against": "dotted"}  # so that no color is needed
    assert page.driver.title == "sentiment · Modelwright 模匠"
    shoot(page, "why-text")
    page.find("#language").click()
    explained(page)
    assert page.find("#why-text").get_attribute("textContent") == text
    assert page.complaints() == []


def test_a_heat_map_lies_over_the_image(page: Page, tmp_path: Path) -> None:
    from PIL import Image

    half = Image.new("RGB", (48, 32), COLORS["green"])
    half.paste(COLORS["red"], (0, 0, 30, 32))
    half.save(tmp_path / "half.png")
    page.open("colors")
    page.find("#file").send_keys(str(tmp_path / "half.png"))
    page.answered()
    page.find("#why-on").click()
    explained(page)
    svg = page.find("#why-image svg")
    assert "red" in svg.get_attribute("aria-label")
    sizes = [page.find(f"#why-image {tag}").size for tag in ("img", "svg")]
    assert [round(one["height"]) for one in sizes] == [213, 213]
    left = [
        (float(one.get_attribute("x")), one.get_attribute("class"))
        for one in page.driver.find_elements("css selector", "#why-image svg > rect")
    ]
    assert {kind for x, kind in left if x < 24} == {"for"}
    assert {kind for x, kind in left if x > 30} == {"against"}
    assert "columns" in page.text("why-lists")
    shoot(page, "why-image")
    assert page.complaints() == []


def test_the_answer_comes_first_and_the_switch_works_by_keyboard(page: Page) -> None:
    from selenium.webdriver.common.keys import Keys

    page.open("sentiment")
    page.driver.execute_script(SLOW)
    enter(page, "wonderful")
    page.ask()
    switch = page.find("#why-on")
    assert switch.accessible_name == "Why?" and switch.aria_role == "switch"
    switch.send_keys(Keys.SPACE)
    page.until(lambda: page.text("why-status") == "Working out why…")
    enter(page, "dreadful")  # while the first explanation is under way
    page.ask()
    assert page.text("best").startswith("neg")
    assert page.find("#result").is_displayed() and not page.find("#why-result").is_displayed()
    page.driver.execute_script("window.goOn()")
    explained(page)
    assert page.find("#why-text").text == "dreadful"
    switch.send_keys(Keys.SPACE)
    page.until(lambda: not page.find("#why-result").is_displayed())
    assert page.find("#result").is_displayed()


def test_no_explanation_leaves_the_answer_and_says_why(page: Page) -> None:
    page.open("sentiment")
    page.driver.execute_script(REFUSE, EVIL)
    enter(page, "wonderful film")
    page.ask()
    page.find("#why-on").click()
    page.until(lambda: page.find("#why-problem").is_displayed())
    assert page.text("why-problem-detail") == EVIL
    assert page.find("#result").is_displayed()
    page.find("#why-retry").click()
    explained(page)
    enter(page, "film")
    page.ask()
    explained(page)
    assert "stays at 50.0 %" in page.text("why-quality")
    assert page.driver.find_elements("css selector", "#answer script") == []


def test_a_server_that_does_not_explain_has_no_switch(models: Path, tmp_path: Path) -> None:
    server = Server(models, tmp_path)
    page: Any = None
    try:
        page = Page(server.url)
        page.open("sentiment")
        enter(page, "wonderful")
        page.ask()
        assert not page.find("#why").is_displayed()
    finally:
        if page:
            page.driver.quit()
        server.stop()
