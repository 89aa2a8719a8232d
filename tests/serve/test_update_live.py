"""An update of a model that a server answers with: no request fails, and no answer is wrong."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest
from server_process import Client, serving, until

import modelwright
from sample_data import write_csv

TEXTS = ["wonderful film", "酒店 很差", "a sturdy room", "手机 松动"]


@pytest.mark.slow
def test_an_update_goes_live_under_load(text_servable: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    model = models / "sentiment"
    shutil.copytree(text_servable.parent, model)
    words = {"pos": ("sturdy", "结实"), "neg": ("flimsy", "松动")}
    rows = [
        (f"the film {words[label][number % 4 // 2]} {number}", label)
        for number in range(400)
        for label in [("neg", "pos")[number % 2]]
    ]
    new = write_csv(tmp_path / "new.csv", rows, ("text", "label"))
    answers: list[tuple[str, list[list[float]]]] = []
    failures: list[str] = []
    done = threading.Event()

    def ask(client: Client) -> None:
        while not done.is_set():
            reply = client.ask("sentiment:predict", {"instances": TEXTS})
            if reply.status == 200:
                found = [one["probabilities"] for one in reply.json["predictions"]]
                answers.append((reply.headers["x-model-version"], found))
            else:
                failures.append(f"{reply.status} {reply.error}")
            done.wait(0.01)

    with serving(models, tmp_path, "--poll", 0.2) as client:
        threads = [threading.Thread(target=ask, args=[client]) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            report = modelwright.update(model, new, strategy="replay", max_drop=50)
            assert report.written, report.reason
            until(lambda: bool(answers) and answers[-1][0] == "2")
        finally:
            done.set()
            for thread in threads:
                thread.join()
    assert failures == []
    assert {version for version, _ in answers} == {"1", "2"}
    for version in ("1", "2"):
        expected = [
            list(one.probabilities.values())
            for one in modelwright.load(model / version).predict(TEXTS)
        ]
        given = [found for name, found in answers if name == version]
        for found in given:
            for ours, theirs in zip(found, expected, strict=True):
                assert ours == pytest.approx(theirs, abs=1e-4)
