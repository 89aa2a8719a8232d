"""A server process, and a browser that shows its page, for the tests of the page."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
NEEDS_BROWSER = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("selenium") is None, reason="needs selenium: pip install selenium"
    ),
    pytest.mark.skipif(
        not (BROWSER and DRIVER),
        reason="needs a browser: apt-get install chromium chromium-driver fonts-noto-cjk",
    ),
]
"""The marks of a test file that drives a browser."""
SERVE = [sys.executable, "-m", "modelwright", "serve"]
EVIL = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
"""A label that must stay a text."""
SIZES = {"desk": (1280, 860), "phone": (360, 740)}
SECONDS = 20

# The least contrast of any text with what is painted behind it, as WCAG 2 counts it.
CONTRAST = """
const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
const rgb = (color) => {
  canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data];
};
const light = (color) => color.slice(0, 3).map((v) => v / 255)
  .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const behind = (node) => {
  for (; node; node = node.parentElement) {
    const color = rgb(getComputedStyle(node).backgroundColor);
    if (color[3] === 255) return color;
  }
  return [255, 255, 255, 255];
};
const found = [];
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
  const node = walk.currentNode.parentElement;
  if (!walk.currentNode.data.trim() || !node.checkVisibility()) continue;
  const [a, b] = [light(rgb(getComputedStyle(node).color)), light(behind(node))];
  found.push((Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05));
}
return Math.min(...found);
"""


class Server:
    """A server process."""

    def __init__(
        self, models: Path, folder: Path, *options: str, command: Sequence[str] = SERVE
    ) -> None:
        ports = folder / "ports.json"
        command = [*command, str(models), "--rest-port", "0", "--grpc-port", "0"]
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--port-file", str(ports), *options], stdout=log, stderr=log
            )
        end = time.monotonic() + 60
        while not ports.exists() or not ports.read_text():
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                pytest.fail(f"the server did not start:\n{(folder / 'log').read_text()}")
            time.sleep(0.05)
        self.url = f"http://localhost:{json.loads(ports.read_text())['rest']}/"

    def stop(self) -> None:
        """End it and wait for that."""
        self.process.terminate()
        self.process.wait(30)


class Page:
    """A browser that shows the page, with common operations."""

    def __init__(self, url: str, size: str = "desk", language: str = "en", dark: bool = False):
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        options = webdriver.ChromeOptions()
        options.binary_location = str(BROWSER)
        for argument in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "hide-scrollbars"):
            options.add_argument(f"--{argument}")
        options.add_experimental_option("prefs", {"intl.accept_languages": language})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.url = url
        self.driver = webdriver.Chrome(options, Service(DRIVER))
        self.size = SIZES[size]
        self.fit(self.size[1])
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})

    def fit(self, height: int) -> None:
        """Give the window a height."""
        width = self.size[0]
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def open(self, model: str = "") -> None:
        """Go to a model."""
        self.driver.get(f"{self.url}#/{model}" if model else self.url)
        if model:
            self.until(lambda: self.text("name") == model)

    def find(self, selector: str) -> Any:
        """The first element that fits."""
        return self.driver.find_element("css selector", selector)

    def text(self, element: str) -> str:
        """What an element with an id shows."""
        return str(self.find(f"#{element}").text)

    def until(self, true: Callable[[], object]) -> None:
        """Wait for something."""
        from selenium.webdriver.support.ui import WebDriverWait

        WebDriverWait(self.driver, SECONDS, 0.05).until(lambda _: true())

    def type(self, text: str, element: str = "text") -> None:
        """Put a text into an empty field."""
        self.find(f"#{element}").clear()
        self.find(f"#{element}").send_keys(text)

    def ask(self) -> None:
        """Press the button and wait for the answer or the error."""
        self.find("#run").click()
        self.answered()

    def answered(self) -> None:
        """Wait for the answer or the error."""
        shown = self.driver.find_elements
        self.until(
            lambda: (
                any(e.is_displayed() for e in shown("css selector", "#result, #problem"))
                and self.find("#answer").get_attribute("aria-busy") != "true"
            )
        )

    def bars(self) -> list[tuple[str, float]]:
        """Labels and probabilities as they are shown, the latter exact."""
        rows = self.driver.find_elements("css selector", "#bars li")
        return [
            (r.find_element("css selector", ".label").text, float(r.get_attribute("title")))
            for r in rows
        ]

    def wider(self) -> int:
        """By how many pixels the page is wider than the screen; a phone's window would grow."""
        script = "return document.documentElement.scrollWidth"
        return int(self.driver.execute_script(script)) - self.size[0]

    def contrast(self) -> float:
        """The least contrast of any text on the page."""
        return float(self.driver.execute_script(CONTRAST))

    def shoot(self, path: Path) -> None:
        """The whole page as a PNG."""
        self.driver.execute_script("document.activeElement.blur(); scrollTo(0, 0)")
        high = self.driver.execute_script("return document.documentElement.scrollHeight")
        self.fit(max(high, self.size[1]))
        time.sleep(0.4)  # transitions
        self.driver.save_screenshot(str(path))
        self.fit(self.size[1])

    def complaints(self) -> list[str]:
        """What the browser's console has said since."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Addresses that were asked for since."""
        found = [
            json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")
        ]
        return [
            str(message["params"]["request"]["url"])
            for message in found
            if message["method"] == "Network.requestWillBeSent"
        ]
