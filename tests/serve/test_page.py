"""The page in a real browser with a real server: both languages, desktop and phone widths.

Takes Debian's chromium and chromium-driver and the package selenium. MODELWRIGHT_SCREENSHOTS
names a folder for the pictures.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import EVIL, NEEDS_BROWSER, SIZES, Page, Server

pytest_plugins = ("page_server",)

pytestmark = NEEDS_BROWSER

KEY = "open-sesame-open-sesame"
DROP = """
const bytes = Uint8Array.from(atob(arguments[0]), (c) => c.charCodeAt(0));
const data = new DataTransfer();
data.items.add(new File([bytes], arguments[1], {type: arguments[2]}));
document.getElementById("drop").dispatchEvent(
  new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}));
"""
ANSWER = """
const real = window.fetch;
window.fetch = async () => {
  window.fetch = real;
  return new Response(arguments[0], {status: arguments[1], headers: arguments[2]});
};
"""


@pytest.fixture
def browse() -> Iterator[Callable[..., Page]]:
    """Open a browser; it is closed at the end."""
    opened: list[Page] = []

    def start(*arguments: Any, **options: Any) -> Page:
        opened.append(Page(*arguments, **options))
        return opened[-1]

    yield start
    for page in opened:
        page.driver.quit()


@pytest.fixture(scope="session")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go."""
    if given := os.environ.get("MODELWRIGHT_SCREENSHOTS"):
        Path(given).mkdir(parents=True, exist_ok=True)
        return Path(given)
    return tmp_path_factory.mktemp("screenshots")


@pytest.fixture(scope="session")
def picture(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A red picture, under a name that a shell must not read as anything else."""
    from PIL import Image

    path = tmp_path_factory.mktemp("pictures") / 'it\'s $(red) & "big".png'
    Image.new("RGB", (40, 30), (225, 30, 30)).save(path)
    return path


def run_line(page: Page, folder: Path) -> list[float]:
    """The probabilities that the line on the page gets when a shell runs it."""
    line = page.text("curl").split("\n")
    done = subprocess.run(
        ["bash", "-c", "\n".join(line)], cwd=folder, capture_output=True, text=True, check=True
    )
    return sorted(json.loads(done.stdout)["predictions"][0]["probabilities"], reverse=True)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", ["en-US", "zh-CN"])
def test_a_text_and_an_image(
    browse: Callable[..., Page], url: str, shots: Path, picture: Path, size: str, language: str
) -> None:
    page = browse(url, size, language, dark=size == "phone" and language == "zh-CN")
    chinese = language == "zh-CN"

    page.open("sentiment")
    assert page.text("run") == ("分类" if chinese else "Classify")
    assert page.find("html").get_attribute("lang") == ("zh-Hans" if chinese else "en")
    page.type("酒店很好，房间很喜欢" if chinese else "the film isn't dreadful: it's wonderful")
    page.ask()
    labels, values = zip(*page.bars(), strict=True)
    assert set(labels) == {"neg", "pos"} and sum(values) == pytest.approx(1, abs=1e-5)
    assert values[0] >= values[1] and page.text("best").startswith(labels[0])
    facts = page.text("facts")
    assert ("版本 1" in facts and "毫秒" in facts) if chinese else ("version 1" in facts)
    assert labels[0] in page.find("#said").get_attribute("textContent")
    page.shoot(shots / f"text-{size}-{language}.png")
    assert page.wider() <= 0
    assert page.contrast() >= 4.5

    page.open("colors")
    page.find("#file").send_keys(str(picture))
    page.answered()
    assert {label for label, _ in page.bars()} == {"blue", "green", "red"}
    assert page.text("best").startswith("red")
    assert page.find("#preview").is_displayed() and picture.name in page.text("file-name")
    page.shoot(shots / f"picture-{size}-{language}.png")
    assert page.wider() <= 0

    page.driver.get(f"{url}docs")
    page.until(lambda: "/v1/models/{model}:predict" in page.text("operations"))
    for operation in page.driver.find_elements("css selector", ".operation")[:4]:
        operation.find_element("css selector", "summary").click()
    page.shoot(shots / f"docs-{size}-{language}.png")
    assert page.wider() <= 0

    assert page.complaints() == []
    asked = [address for address in page.requests() if not address.startswith(("data:", "blob:"))]
    assert len(asked) > 10 and all(address.startswith(url) for address in asked)


def test_a_label_that_looks_like_a_script_stays_text(
    browse: Callable[..., Page], url: str, shots: Path
) -> None:
    page = browse(url)
    page.open("topics")
    page.type(f"word0 word0 {EVIL}")
    page.ask()
    assert len(page.bars()) == 10
    page.find("#more").click()
    assert len(page.bars()) == 12
    assert EVIL in [label for label, _ in page.bars()]
    page.shoot(shots / "labels.png")
    page.driver.execute_script(ANSWER, json.dumps({"error": EVIL}), 400, {})
    page.ask()
    assert page.text("problem-detail") == EVIL
    page.shoot(shots / "refused.png")
    assert page.driver.title == "topics · Modelwright 模匠"
    for inside in ("#answer img", "#answer script", "#curl *"):
        assert page.driver.find_elements("css selector", inside) == []
    assert page.complaints() == []


def test_the_lines_for_a_shell_do_what_the_page_does(
    browse: Callable[..., Page], url: str, picture: Path, tmp_path: Path
) -> None:
    page = browse(url)
    page.open("sentiment")
    for text in ('it\'s "wonderful" $(touch owned) `touch owned` \\ !! 很好', "two\nlines\tof it"):
        page.type("")
        page.driver.execute_script(
            "const t = document.getElementById('text'); t.value = arguments[0];"
            "t.dispatchEvent(new Event('input'))",
            text,
        )
        page.ask()
        expected = [value for _, value in page.bars()]
        assert run_line(page, tmp_path) == pytest.approx(expected, abs=1e-6)
    assert list(tmp_path.iterdir()) == []
    page.open("colors")
    page.find("#file").send_keys(str(picture))
    page.answered()
    expected = [value for _, value in page.bars()]
    assert run_line(page, picture.parent) == pytest.approx(expected, abs=1e-6)


def test_an_image_can_be_dropped_and_other_files_are_refused(
    browse: Callable[..., Page], url: str, picture: Path
) -> None:
    import base64

    page = browse(url)
    page.open("colors")
    page.driver.execute_script(DROP, base64.b64encode(b"%PDF").decode(), "a.pdf", "application/pdf")
    page.answered()
    assert page.text("problem-text") == "This file is not a PNG, JPEG, GIF or BMP."
    b64 = base64.b64encode(picture.read_bytes()).decode()
    page.driver.execute_script(DROP, b64, "red.png", "image/png")
    page.answered()
    page.until(lambda: page.text("best").startswith("red"))
    page.driver.execute_script(DROP, base64.b64encode(b"no picture").decode(), "x.png", "image/png")
    page.until(lambda: page.find("#problem").is_displayed())
    assert page.text("problem-text") == "The server could not read this."
    assert page.text("problem-detail") and not page.find("#retry").is_displayed()


def test_too_many_requests_can_be_retried_after_the_servers_delay(
    browse: Callable[..., Page], url: str, shots: Path
) -> None:
    page = browse(url)
    page.open("sentiment")
    page.type("wonderful")
    page.driver.execute_script(ANSWER, '{"error": "slower"}', 429, {"retry-after": "2"})
    page.ask()
    assert page.text("problem-text") == "Too many requests for now."
    assert page.text("retry") == "Try again in 2 s" and not page.find("#retry").is_enabled()
    page.shoot(shots / "too-many.png")
    page.until(lambda: page.find("#retry").is_enabled())
    page.find("#retry").click()
    page.until(lambda: page.find("#result").is_displayed())


def test_the_page_works_without_a_mouse(browse: Callable[..., Page], url: str) -> None:
    from selenium.webdriver.common.keys import Keys

    page = browse(url)
    page.open("sentiment")
    page.find("#text").send_keys("wonderful", Keys.CONTROL, Keys.ENTER)
    page.answered()
    assert page.find("#result").is_displayed()
    page.driver.execute_script("document.activeElement.blur()")
    reached = []
    for _ in range(24):
        page.driver.switch_to.active_element.send_keys(Keys.TAB)
        reached.append(page.driver.switch_to.active_element)
    assert {"language", "text", "run", "copy"} <= {node.get_attribute("id") for node in reached}
    for node in page.driver.find_elements("css selector", "button, a, input, select, textarea"):
        if node.is_displayed():
            assert node.accessible_name, node.get_attribute("outerHTML")
    page.find("#language").send_keys(Keys.ENTER)
    assert page.text("run") == "分类"
    page.open("sentiment")
    assert page.text("run") == "分类"  # it is remembered


def test_a_key_is_required_and_not_stored_and_a_lost_server_is_reported(
    browse: Callable[..., Page], models: Path, shots: Path, tmp_path: Path
) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"reader {KEY}\n")
    keys.chmod(0o600)
    server = Server(models, tmp_path, "--api-keys", str(keys))
    try:
        page = browse(server.url, "phone")
        page.open()
        page.until(lambda: page.find("#key-form").is_displayed())
        for wrong in ("not-the-key-not-the-key", "钥匙"):
            page.type(f"{wrong}\n", "key")
            page.until(lambda: page.find("#key-problem").is_displayed())
        page.shoot(shots / "key.png")
        page.type(f"{KEY}\n", "key")
        page.until(lambda: page.find("#model").is_displayed())
        page.open("sentiment")
        page.type("wonderful")
        page.ask()
        assert page.find("#result").is_displayed()
        assert '"Authorization: Bearer $KEY"' in page.text("curl")
        kept = "return JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
        assert KEY not in page.driver.execute_script(kept) + page.driver.page_source
        server.stop()
        page.ask()
        page.until(lambda: page.find("#problem").is_displayed())
        assert page.text("problem-text") == "The server does not answer."
        assert page.find("#retry").is_enabled()
        page.shoot(shots / "gone.png")
    finally:
        server.stop()


def test_another_version_can_be_chosen_and_a_savedmodel_takes_json(
    browse: Callable[..., Page], models: Path, shots: Path, tmp_path: Path
) -> None:
    import tensorflow as tf

    class HalfPlusTwo(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
        def __call__(self, x: Any) -> Any:
            return {"y": x / 2 + 2}

    folder = tmp_path / "models"
    shutil.copytree(models / "topics", folder / "topics")
    module = HalfPlusTwo()
    tf.saved_model.save(
        module,
        str(folder / "half_plus_two" / "123"),
        signatures=module.__call__.get_concrete_function(),
    )
    config = tmp_path / "models.config"
    config.write_text(
        "model_config_list {"
        f' config {{ name: "topics" base_path: "{folder / "topics"}" model_platform: "tensorflow"'
        " model_version_policy { all {} } }"
        f' config {{ name: "half_plus_two" base_path: "{folder / "half_plus_two"}"'
        ' model_platform: "tensorflow" } }'
    )
    server = Server(folder, tmp_path, "--model-config", str(config))
    try:
        page = browse(server.url)
        page.open("topics")
        assert page.find("#version").accessible_name == "Version"
        page.find("#version option[value='1']").click()
        page.type("word3 word3")
        page.ask()
        assert "version 1" in page.text("facts")
        assert "/v1/models/topics/versions/1:predict" in page.text("curl")
        page.find("#version option[value='']").click()
        page.ask()
        page.until(lambda: "version 2" in page.text("facts"))
        page.shoot(shots / "versions.png")
        page.open("half_plus_two")
        page.type("[1.0, 2.0, NaN]", "json")
        page.ask()
        assert re.findall(r"2\.5|3\.0|NaN", page.text("raw")) == ["2.5", "3.0", "NaN"]
        page.type('{"inputs": {"x": [4.0]}}', "json")
        page.ask()
        page.until(lambda: "outputs" in page.text("raw"))
        page.find("#signature summary").click()
        page.until(lambda: "DT_FLOAT" in page.text("metadata"))
        page.shoot(shots / "savedmodel.png")
        assert page.complaints() == []
    finally:
        server.stop()
