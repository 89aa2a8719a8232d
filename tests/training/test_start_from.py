"""Trainings that start from another model: settings, new classes, frozen layers, resuming."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import keras
import numpy as np
import pytest

import modelwright
from modelwright.core.config import ModelConfig
from modelwright.core.errors import ConfigError, RunError, ServableError
from modelwright.data.load import load_data
from modelwright.models.builders import build_network
from modelwright.models.last_layers import last_layers
from modelwright.recipes.resolve import resolve_config
from modelwright.runs.run import Run, create_run, load_run
from modelwright.training.extras import Extras
from modelwright.training.session import Session
from modelwright.training.source_settings import (
    SourceRecord,
    read_source,
    recipe_from,
    resolve_start,
    settings_notes,
)
from modelwright.training.starting import check_solver, note_frozen
from modelwright.training.starting_weights import Source, StartFrom, copy_weights, freeze
from modelwright.training.train import resume, train

Cli = Callable[..., tuple[int, str, str]]


def started(source: Path, data: Path, out: Path, **extras: object) -> Session:
    """Returns a session that starts from a model, before its first step."""
    start = StartFrom(source, new_classes=True)
    resolved = resolve_start(source, (), None, {"data": {"source": str(data), "test": 0.2}}, ())
    rows = load_data(resolved.config.data)
    run = create_run(resolved.config, rows, out)
    return Session(run, rows, extras=Extras(start, **extras))  # type: ignore[arg-type]


def notes(session: Session) -> str:
    return "\n".join(session.run.data["notes"])


def test_without_a_recipe_the_settings_are_those_of_the_source(
    text_run: Path, text_servable: Path, reviews: Path
) -> None:
    for place in (text_run, text_servable, text_servable.parent):
        resolved = resolve_start(place, (), None, {"data": {"source": str(reviews)}}, ())
        theirs = load_run(text_run).config
        assert resolved.config.recipe == theirs.recipe
        assert resolved.config.model == theirs.model
        assert resolved.config.train == theirs.train
        assert resolved.config.name == "reviews"
        assert "the recipe is that of" in resolved.notes[0]
        assert "learning rate is 0.02, as the source was trained" in resolved.notes[1]
    changed = resolve_start(
        text_run, (), None, {"data": {"source": str(reviews)}}, ("train.learning_rate=0.5",)
    )
    assert "learning rate is 0.5;" in changed.notes[1]


def test_with_a_recipe_the_tokenizer_is_that_of_the_source(text_run: Path, reviews: Path) -> None:
    tables = {"data": {"source": str(reviews)}, "model": {"recipe": "textcnn"}}
    resolved = resolve_start(text_run, (), None, tables, ())
    theirs = load_run(text_run).config.model.options
    assert resolved.config.recipe == "textcnn"
    assert resolved.config.model.options["vocabulary"] == theirs["vocabulary"]
    assert resolved.notes[0].startswith(f"the tokenizer is that of {text_run}: model.vocabulary=")


def test_images_get_the_size_of_the_source(image_run: Path, colors: Path) -> None:
    resolved = resolve_start(image_run, (), None, {"data": {"source": str(colors)}}, ())
    assert resolved.config.data.image_size == load_run(image_run).shape[0]  # type: ignore[index]


def test_the_same_classes_copy_every_layer(text_run: Path, reviews: Path, tmp_path: Path) -> None:
    session = started(text_run, reviews, tmp_path / "run")
    expected = load_run(text_run).network().get_weights()
    for value, known in zip(session.network.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(value, known)
    assert "lacks 0.00 % of the tokens" in notes(session)


def test_other_classes_start_the_last_layer_anew_and_the_notes_say_so(
    text_run: Path, reviews: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.csv"
    other.write_text(reviews.read_text("utf-8").replace(",neg", ",zzz"), "utf-8")
    session = started(text_run, other, tmp_path / "run", freeze=("features",))
    last = last_layers(session.network)
    assert session.started_from is not None
    assert [name for name, outcome in session.started_from.layers if outcome != "copied"] == last
    assert (
        f"{last[0]} starts anew: the classes here are pos, zzz, those of the source neg, pos"
        in (notes(session))
    )
    assert "data.labels.OLD=NEW" in notes(session)
    assert session.frozen
    assert [layer.name for layer in session.network.layers if layer.trainable_variables] == last
    assert f"trained: {last[0]}, " in notes(session)


def test_texts_in_another_language_are_unknown_to_the_vocabulary(
    text_run: Path, tmp_path: Path
) -> None:
    table = tmp_path / "thai.csv"
    lines = [f"zq{i} zw{i} ze{i},{'pos' if i % 2 else 'neg'}" for i in range(30)]
    table.write_text("text,label\n" + "\n".join(lines), "utf-8")
    session = started(text_run, table, tmp_path / "run")
    assert "lacks 100.00 % of the tokens of the training rows, which are all alike" in (
        notes(session)
    )


@pytest.mark.parametrize(
    ("builder", "options", "shape", "expected"),
    [
        ("committee", {"length": 8, "filters": 4}, (8,), {"scores", "probability"}),
        ("textcnn", {"length": 8, "filters": 4}, (8,), {"probability"}),
        ("cnn", {"filters": [4], "units": 4}, (8, 8, 3), {"probability"}),
    ],
)
def test_the_last_layers_are_those_of_the_classes(
    builder: str, options: dict[str, object], shape: tuple[int, ...], expected: set[str]
) -> None:
    small = {"vocabulary": 50, "buckets": 512, "known": 50} if builder == "committee" else {}
    config = ModelConfig(builder=builder, options={**options, **small})
    assert set(last_layers(build_network(config, shape, 2))) == expected


def test_the_ngrams_of_a_committee_give_the_same_scores_alone() -> None:
    options = {"vocabulary": 50, "length": 8, "buckets": 512}
    both = ModelConfig(builder="committee", options={**options, "filters": 4, "known": 50})
    networks = [
        build_network(config, (8,), 2)
        for config in (both, ModelConfig(builder="ngrams", options=options))
    ]
    draw, layer = np.random.default_rng(0), networks[0].get_layer("scores")
    layer.set_weights([draw.normal(size=one.shape) for one in layer.get_weights()])
    copy_weights(StartFrom(Path("source")), *networks)
    ids = draw.integers(2, 50, (5, 8))
    first, second = (
        keras.Model(one.input, one.get_layer("scores").output)(ids) for one in networks
    )
    np.testing.assert_allclose(first, second, rtol=1e-4)


@pytest.mark.slow
def test_resuming_repeats_the_start_from_the_record(
    image_run: Path, colors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Path(shutil.copytree(image_run, tmp_path / "source"))
    settings = resolve_start(source, (), None, {"data": {"source": str(colors)}}, ()).config
    settings = settings.model_copy(
        update={"train": settings.train.model_copy(update={"epochs": 2, "tensorboard": False})}
    )
    extras = Extras(StartFrom(source, new_classes=True), ("features",))
    whole = train(settings, out=tmp_path / "whole", extras=extras, baselines=False)
    recorded = json.loads((tmp_path / "whole" / "run.json").read_text())["extras"]
    assert recorded["freeze"] == ["features"]
    assert recorded["start_from"]["sha256"] == read_source(source).fingerprint
    with monkeypatch.context() as patched, pytest.raises(MemoryError):
        patched.setattr(Session, "finish_epoch", _killed)
        train(settings, out=tmp_path / "cut", extras=extras, baselines=False)
    report = resume(tmp_path / "cut", baselines=False)
    weights = [load_run(one.run).network().get_weights() for one in (whole, report)]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


def _killed(*_: object) -> None:
    raise MemoryError


def test_a_source_that_changed_since_is_not_resumed_from(
    text_run: Path, reviews: Path, tmp_path: Path
) -> None:
    source = Path(shutil.copytree(text_run, tmp_path / "source"))
    session = started(source, reviews, tmp_path / "run")
    run = load_run(source)
    network = run.network()
    network.layers[1].set_weights([weight * 2 for weight in network.layers[1].get_weights()])
    network.save_weights(source / "weights.weights.h5")
    run.update(status="finished")
    with pytest.raises(RunError, match="has other weights than when this training began"):
        resume(session.run.path)


def test_bad_sources_are_refused(
    cli: Cli, text_servable: Path, text_run: Path, colors: Path, reviews: Path, tmp_path: Path
) -> None:
    out = ("--out", tmp_path / "run", "--quiet")
    model = text_servable.parent
    code, _, error = cli("train", "--data", reviews, "--start-from", model / "9", *out)
    assert (code, f"{model} has no version 9; expected one of 1, or {model}" in error) == (
        ServableError.exit_code,
        True,
    )
    code, _, error = cli("train", "--data", colors, "--start-from", text_servable, *out)
    assert code == ConfigError.exit_code
    assert "classifies texts, but this run classifies images" in error
    tokens = ("--set", "model.tokens=char")
    code, _, error = cli("train", "--data", reviews, "--start-from", text_run, *tokens, *out)
    assert code == ConfigError.exit_code
    assert "the tokenizer of" in error
    code, _, error = cli("train", "--data", reviews, "--start-layers", "embedding", *out)
    assert code == ConfigError.exit_code
    assert "give it with --start-from" in error
    code, _, error = cli(
        "train", "--data", reviews, "--start-from", text_run, "--freeze", "fetures", *out
    )
    assert code == ConfigError.exit_code
    assert "matches 'fetures'. Did you mean 'features'?" in error
    code, _, error = cli(
        "train", "--data", reviews, "--start-from", text_run, "--start-layers", "embeding", *out
    )
    assert code == ConfigError.exit_code
    assert "Did you mean 'embedding'?" in error
    changed = Path(shutil.copytree(text_servable, tmp_path / "changed" / "1"))
    (changed / "examples.jsonl").write_text("")
    code, _, error = cli("train", "--data", reviews, "--start-from", changed, *out)
    assert code == ServableError.exit_code
    assert "is not as it was exported: examples.jsonl" in error
    assert not (tmp_path / "run").exists()
    code, _, error = cli("train", "--resume", text_run, "--freeze", "features")
    assert code == ConfigError.exit_code
    assert "continues a run with its own settings" in error


def test_images_of_another_size_are_refused_with_the_setting_that_resizes_them(
    image_run: Path, colors: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"do not fit.*--set data\.image_size=\d+ resizes them"):
        modelwright.train(
            str(colors), data={"image_size": 24}, start_from=image_run, out=tmp_path / "run"
        )


def pretrained(finetune: int, folder: Path, **more: object) -> SourceRecord:
    """The record of a run with a backbone."""
    options = {"finetune": finetune, "augment": "flip+crop" if finetune else "flip", **more}
    model = ModelConfig(builder="pretrained", options=options)
    labels, shape = ("cat", "dog"), (32, 32, 3)
    return SourceRecord(folder, "pretrained", model, None, "image", labels, shape, None, "f")


def test_frozen_features_of_a_fine_tuned_backbone_take_no_steps(tmp_path: Path) -> None:
    source = pretrained(2, tmp_path, rotation=0.1)
    assert recipe_from(source)(None).model["finetune"] == 2
    frozen = recipe_from(source, ("features",))(None)
    assert (frozen.model["finetune"], frozen.model["augment"]) == (0, "flip")
    assert frozen.data["image_size"] == 32
    resolved = resolve_config(options={"data": {"source": "cats"}, "model": {"recipe": "cnn"}})
    notes = settings_notes(source, resolved, named=False)
    assert notes[1].startswith("the learning rate is 0.002; ")


@pytest.mark.parametrize(("theirs", "own", "refused"), [(0, 0, True), (2, 0, False), (0, 2, False)])
def test_a_published_backbone_is_nothing_to_start_from(
    theirs: int, own: int, refused: bool, tmp_path: Path
) -> None:
    model = {"recipe": "pretrained", "finetune": own}
    config = resolve_config(options={"data": {"source": "cats"}, "model": model})
    run = Run(tmp_path, config, "image", ("cat", "dog"), (32, 32, 3), {})
    start = StartFrom(tmp_path, new_classes=True)
    source = Source(None, pretrained(theirs, tmp_path), start)
    with (
        pytest.raises(ConfigError, match=r"changes nothing.*model\.finetune=2")
        if refused
        else nullcontext()
    ):
        check_solver(start, source, run)


def test_frozen_layers_of_a_new_network_are_said_to_be_new(tmp_path: Path) -> None:
    config = resolve_config(options={"data": {"source": "a"}, "model": {"recipe": "cnn"}})
    run = Run(tmp_path, config, "image", ("cat", "dog"), (8, 8, 3), {})
    network = build_network(ModelConfig(builder="cnn", options={"filters": [4]}), (8, 8, 3), 2)
    frozen = freeze(network, ["features"])
    said = [
        note_frozen(run, network, frozen, started=started).data["notes"][0]
        for started in (True, False)
    ]
    assert "no model was given to start from" not in said[0]
    assert said[1].endswith("because no model was given to start from")


def some_network(shape: tuple[int, ...], classes: int, vocabulary: int) -> keras.Model:
    """A network of a user."""
    layers = [
        keras.layers.Embedding(vocabulary, 4, name="words"),
        keras.layers.GlobalAveragePooling1D(),
        keras.layers.Dense(classes, "softmax", name="answer"),
    ]
    return keras.Sequential([keras.Input(shape, dtype="int32"), *layers])


def test_a_network_function_of_a_user_is_a_source(reviews: Path, tmp_path: Path) -> None:
    model = {"recipe": f"{__name__}:some_network", "vocabulary": 60, "length": 8}
    settings = {"epochs": 1, "tensorboard": False}
    source = modelwright.train(str(reviews), model=model, train=settings, out=tmp_path / "own").run
    other = tmp_path / "other.csv"
    other.write_text(reviews.read_text("utf-8").replace(",neg", ",zzz"), "utf-8")
    session = started(source, other, tmp_path / "run", freeze=("features",))
    assert session.frozen == ("words",)
    assert session.started_from is not None
    assert session.started_from.copied == ("words",)
