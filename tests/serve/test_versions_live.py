"""Versions that come, go and fail while a server answers, as a client sees them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from server_process import Client, add_version, serving, until
from small_servables import write_text_servable

import modelwright
from modelwright.servable.warmup import MOST, WARMUP
from modelwright.wire import messages
from modelwright.wire.records import write_records


class Live(NamedTuple):
    """A server, the folder of models that it looks at, and one version to copy from."""

    client: Client
    models: Path
    servable: Path
    config: Path

    def add(self, model: str, *versions: int | str) -> Path:
        """Add versions and wait until the last one answers; the model's folder."""
        for version in versions:
            add_version(self.servable, self.models / model, version)
        until(lambda: self.answers(model) == str(int(versions[-1])))
        return self.models / model

    def answers(self, target: str) -> str:
        """The version that answers, or the status and error of the refusal."""
        reply = self.client.ask(f"{target}:predict", {"instances": ["wonderful"]})
        return reply.headers.get("x-model-version") or f"{reply.status} {reply.error}"

    def problem(self, model: str, version: int) -> tuple[str, str, str]:
        """The state, code and message of a version's status; empty while it is unknown."""
        reply = self.client.get(f"/v1/models/{model}/versions/{version}")
        if reply.status != 200:
            return "", "", ""
        (one,) = reply.json["model_version_status"]
        return one["state"], one["status"]["error_code"], one["status"]["error_message"]

    def available(self, model: str) -> set[str]:
        """The versions that answer."""
        states = self.client.states(model)
        return {version for version, state in states.items() if state == "AVAILABLE"}

    def configure(self, **blocks: str) -> None:
        """Replace the config file: a policy and labels for each model."""
        entries = [f'config {{ name: "{name}" {text} }}' for name, text in blocks.items()]
        new = self.config.with_suffix(".new")
        new.write_text(f"model_config_list {{ {' '.join(entries)} }}")
        new.rename(self.config)


@pytest.fixture(scope="module")
def live(small_text_servable: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Every model below a folder is served; each test has its own model."""
    folder = tmp_path_factory.mktemp("live")
    add_version(small_text_servable, folder / "models" / "first", 1)
    with serving(folder / "models", folder, "--poll", 0.2) as client:
        yield Live(client, folder / "models", small_text_servable, folder / "unused")


@pytest.fixture(scope="module")
def configured(
    small_text_servable: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    """A model with versions 1, 2 and 3, and a config file that each test writes anew."""
    folder = tmp_path_factory.mktemp("configured")
    for version in (1, 2, 3):
        add_version(small_text_servable, folder / "models" / "m", version)
    config = folder / "models.config"
    config.write_text('model_config_list { config { name: "m" } }')
    options = ("--poll", 0.2, "--model-config", config)
    with serving(folder / "models", folder, *options) as client:
        yield Live(client, folder / "models", small_text_servable, config)


# A folder of models


def test_a_new_version_takes_over_and_no_request_fails(live: Live) -> None:
    model = live.add("hot", 1)
    add_version(live.servable, model, 2)
    seen = []
    until(lambda: seen.append(live.answers("hot")) or seen[-1] == "2", step=0)
    assert set(seen) <= {"1", "2"} and seen == sorted(seen)
    until(lambda: live.client.states("hot") == {"2": "AVAILABLE", "1": "END"})
    gone = live.answers("hot/versions/1")
    assert gone == "404 Servable not found for request: Specific(hot, 1)"


def test_a_rollback_is_followed_and_can_be_taken_back(live: Live) -> None:
    model = live.add("back", 1, 2)
    modelwright.rollback(model)
    until(lambda: live.answers("back") == "1")
    modelwright.rollback(model, to=2)
    until(lambda: live.answers("back") == "2")


def test_a_damaged_version_goes_live_only_when_repaired(live: Live) -> None:
    model = live.add("damaged", 1)
    hidden = model / ".new"
    shutil.copytree(live.servable, hidden)
    network = hidden / "onnx" / "model.onnx"
    whole = network.read_bytes()
    network.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    hidden.rename(model / "2")
    until(lambda: live.problem("damaged", 2)[0] == "END")
    _, code, message = live.problem("damaged", 2)
    assert code == "FAILED_PRECONDITION" and "model.onnx" in message
    assert live.answers("damaged") == "1" and live.available("damaged") == {"1"}
    (model / "2" / "onnx" / "model.onnx").write_bytes(whole)
    until(lambda: live.answers("damaged") == "2")
    assert live.problem("damaged", 2) == ("AVAILABLE", "OK", "")


def test_an_incomplete_version_never_goes_live(live: Live) -> None:
    model = live.add("parts", 1)
    hidden = model / ".new"
    shutil.copytree(live.servable, hidden)
    (hidden / "modelwright.json").unlink()
    hidden.rename(model / "2")
    until(lambda: live.problem("parts", 2)[0] == "END")
    assert "modelwright.json is missing" in live.problem("parts", 2)[2]
    assert live.answers("parts") == "1"


def test_the_live_version_is_served_without_its_folder(live: Live) -> None:
    model = live.add("gone", 1)
    marker = live.add("marker", 1)
    shutil.rmtree(model / "1")
    model.rmdir()
    add_version(live.servable, marker, 2)  # the server has looked once that answers
    until(lambda: live.answers("marker") == "2")
    assert live.answers("gone") == "1" and live.available("gone") == {"1"}


def test_an_older_version_takes_over_from_a_deleted_one(live: Live) -> None:
    model = live.add("older", 1, 2)
    shutil.rmtree(model / "2")
    until(lambda: live.answers("older") == "1")
    until(lambda: live.client.states("older") == {"1": "AVAILABLE", "2": "END"})


def test_leading_zeros_and_other_folders(live: Live) -> None:
    model = live.models / "zeros"
    (model / "notes").mkdir(parents=True)
    live.add("zeros", "001")
    live.add("zeros", "0000007")
    assert live.answers("zeros/versions/7") == "7" and live.answers("zeros/versions/007") == "7"
    assert live.client.states("zeros").keys() == {"1", "7"}


@pytest.mark.parametrize("whole", [True, False], ids=["folder", "file"])
def test_a_link_that_leads_out_is_refused(live: Live, tmp_path: Path, whole: bool) -> None:
    name = "link" if whole else "linked"
    model = live.add(name, 1)
    outside = tmp_path / "outside"
    shutil.copytree(live.servable, outside)
    hidden = model / ".new"
    if whole:
        hidden.symlink_to(outside)
    else:
        shutil.copytree(live.servable, hidden)
        (hidden / "onnx" / "model.onnx").unlink()
        (hidden / "onnx" / "model.onnx").symlink_to(outside / "onnx" / "model.onnx")
    hidden.rename(model / "2")
    until(lambda: live.problem(name, 2)[0] == "END")
    assert "leads out of" in live.problem(name, 2)[2]
    assert live.answers(name) == "1"


def test_too_many_warm_up_requests(live: Live, tmp_path: Path) -> None:
    log = messages.PredictionLog()
    log.predict_log.request.model_spec.name = "toy"
    write_records(tmp_path / "requests", [log.SerializeToString()] * (MOST + 1))
    content = (tmp_path / "requests").read_bytes()
    folder = write_text_servable(tmp_path / "toy", {WARMUP: content})
    add_version(folder, live.models / "toy", 1)
    until(lambda: live.problem("toy", 1)[0] == "END")
    _, code, message = live.problem("toy", 1)
    assert code == "FAILED_PRECONDITION"
    assert "warm-up" in message and str(MOST) in message
    assert live.answers("toy") == "404 Servable not found for request: Latest(toy)"


# A model config file


def test_without_a_policy_the_latest_version_is_served(configured: Live) -> None:
    configured.configure(m="")
    until(lambda: configured.available("m") == {"3"})
    assert configured.answers("m") == "3"


def test_the_latest_two(configured: Live) -> None:
    configured.configure(m="model_version_policy { latest { num_versions: 2 } }")
    until(lambda: configured.available("m") == {"2", "3"})
    assert configured.answers("m") == "3" and configured.answers("m/versions/2") == "2"


def test_all_versions(configured: Live) -> None:
    configured.configure(m="model_version_policy { all {} }")
    until(lambda: configured.available("m") == {"1", "2", "3"})


def test_specific_versions_and_back_to_a_smaller_one(configured: Live) -> None:
    configured.configure(m="model_version_policy { specific { versions: 1 versions: 3 } }")
    until(lambda: configured.available("m") == {"1", "3"})
    configured.configure(m="model_version_policy { specific { versions: 1 } }")
    until(lambda: configured.available("m") == {"1"})
    assert configured.answers("m") == "1"


def test_labels(configured: Live) -> None:
    policy = "model_version_policy { all {} }"
    stable, canary = (
        f'version_labels {{ key: "{label}" value: {version} }}'
        for label, version in (("stable", 2), ("canary", 3))
    )
    configured.configure(m=f"{policy} {stable} {canary}")
    until(lambda: configured.answers("m/labels/stable") == "2")
    assert configured.answers("m/labels/canary") == "3"
    absent = 'version_labels { key: "canary" value: 99 }'
    configured.configure(m=f"{policy} {stable} {absent}")
    refused = "400 Unrecognized servable version label: canary"
    until(lambda: configured.answers("m/labels/canary") == refused)
    assert configured.answers("m/labels/stable") == "2"


def test_a_config_that_cannot_be_read_changes_nothing(configured: Live) -> None:
    configured.configure(m="model_version_policy { specific { versions: 2 } }")
    until(lambda: configured.available("m") == {"2"})
    configured.configure(m="nonsense {")
    add_version(configured.servable, configured.models / "m", 4)
    assert configured.answers("m") == "2"
    configured.configure(m="model_version_policy { specific { versions: 4 } }")
    until(lambda: configured.available("m") == {"4"})
    shutil.rmtree(configured.models / "m" / "4")


def test_a_model_that_the_config_leaves_out_is_unloaded(configured: Live) -> None:
    add_version(configured.servable, configured.models / "n", 1)
    configured.configure(m="", n='base_path: "n"')
    until(lambda: configured.answers("n") == "1")
    configured.configure(m="")
    until(lambda: configured.answers("n").startswith("404 Servable not found"))
    assert configured.answers("m") in {"3", "4"}
