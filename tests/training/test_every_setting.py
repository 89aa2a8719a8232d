"""Every key of every table changes something, and a key without effect is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from modelwright.core.config import DataConfig, ModelConfig, TrainConfig
from modelwright.core.errors import ConfigError, DataError
from modelwright.data.load import load_data
from modelwright.models import pretrained
from modelwright.models.adaptation import AdaptationData
from modelwright.models.builders import (
    BUILDERS,
    adapt_network,
    build_network,
    check_options,
    solve_network,
)
from modelwright.models.graph_tokenizer import GraphTokenizer, learn_vocabulary
from modelwright.models.pretrained import learning_rates
from modelwright.recipes.resolve import resolve_config
from modelwright.runs.run import create_run
from modelwright.training import optimizers
from modelwright.training.augmentation import Augmentation
from modelwright.training.batches import TokenIds, TrainingBatches
from modelwright.training.early_stopping import early_stopping
from modelwright.training.epoch_plan import plan_epochs
from modelwright.training.observers import Epoch, TensorBoardLog
from modelwright.training.session import Session
from sample_data import write_csv, write_images
from tiny_backbone import build_tiny

# --- [train] ---------------------------------------------------------------------------------

TRAIN = {
    "epochs": 7,
    "min_steps": 100,
    "patience": 1,
    "monitor": "val_accuracy",
    "min_val_rows": 5,
    "batch_size": 3,
    "precision": "mixed_bfloat16",
    "seed": 5,
    "optimizer": "sgd",
    "learning_rate": 0.5,
    "momentum": 0.1,
    "bias_rate": 9.0,
    "lookahead": 2,
    "schedule": "linear",
    "warmup": 0.5,
    "weight_decay": 0.3,
    "clip_norm": 0.01,
    "label_smoothing": 0.3,
    "class_weight": "balanced",
    "tensorboard": False,
    "histograms": True,
}
NEEDED: dict[str, dict[str, Any]] = {
    **{key: {"optimizer": "sgd"} for key in ("momentum", "bias_rate", "lookahead")},
    "weight_decay": {"optimizer": "adamw"},
    "warmup": {"schedule": "linear"},
    "epochs": {"schedule": "linear"},
}
HISTORY = [{"val_loss": x, "val_accuracy": y} for x, y in ((3, 9), (2, 5), (4, 2), (4, 1))]


def weights_after_steps(train: TrainConfig) -> list[float]:
    """Returns the weights of a small layer after a few steps of the optimizer."""
    keras.utils.set_random_seed(0)
    layer = keras.layers.Dense(2, kernel_initializer="ones", bias_initializer="ones")
    layer.build((None, 2))
    optimizer = optimizers.build_optimizer(train, 2)
    for step in range(4):
        gradients = [keras.ops.ones(v.shape) * (step + 1) for v in layer.trainable_variables]
        optimizer.apply(gradients, layer.trainable_variables)
    return [float(x) for v in layer.get_weights() for x in np.ravel(v)]


def train_effects(train: TrainConfig, folder: Path) -> dict[str, Any]:
    """Returns what the table [train] decides, in a form that can be compared."""
    labels = np.array([0, 0, 0, 0, 1, 2], np.int64)
    plan = plan_epochs(train, 12)
    batches = TrainingBatches(
        TokenIds(np.arange(12, dtype=np.int32).reshape(12, 1)),
        np.zeros((12, 1)),
        plan.batch_size,
        seed=train.seed,
        passes=plan.passes,
    )
    rule = early_stopping(train, 4)
    return {
        "weights_after_steps": weights_after_steps(train),
        "targets": optimizers.loss_targets(labels, 3, train.label_smoothing).tolist(),
        "weights": optimizers.class_weights(labels, 3, train.class_weight),
        "batches": [batches.make(i)[0].tolist() for i in range(len(batches))],
        "best": (rule.best(HISTORY), rule.exhausted(HISTORY)),
    }


@pytest.mark.parametrize(
    "key", [k for k in TRAIN if k not in ("precision", "tensorboard", "histograms")]
)
def test_every_key_of_train_changes_something(key: str, tmp_path: Path) -> None:
    needed = NEEDED.get(key, {})
    base = train_effects(TrainConfig(**needed), tmp_path)
    assert train_effects(TrainConfig(**{**needed, key: TRAIN[key]}), tmp_path) != base


def test_precision_and_tensorboard_change_a_session(colors: Path, tmp_path: Path) -> None:
    model = {"recipe": "cnn", "filters": [4], "units": 4}
    for name, precision, tensorboard in (("a", "float32", True), ("b", "mixed_bfloat16", False)):
        train = {"epochs": 1, "precision": precision, "tensorboard": tensorboard}
        config = resolve_config(
            options={"data": {"source": str(colors)}, "model": model, "train": train}
        )
        data = load_data(config.data)
        session = Session(create_run(config, data, tmp_path / name), data)
        assert session.network.layers[-2].compute_dtype == precision.removeprefix("mixed_")
        session.fit()
        assert (tmp_path / name / "tensorboard").exists() == tensorboard


def test_histograms_are_of_all_weights(tmp_path: Path) -> None:
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="out")])
    values = {"epoch": 1.0, "loss": 0.5}
    found: dict[bool, set[str]] = {}
    for histograms in (False, True):
        log = TensorBoardLog(tmp_path / str(histograms), histograms=histograms)
        log.on_epoch(Epoch(1, 1, 1, values, [values], 0.1, network))
        log.on_end()
        (file,) = (tmp_path / str(histograms) / "train").glob("events.*")
        events = tf.compat.v1.train.summary_iterator(str(file))
        found[histograms] = {value.tag for event in events for value in event.summary.value}
    assert found[True] - found[False] == {weight.path for weight in network.weights}


# --- [model] ---------------------------------------------------------------------------------

AUGMENTATION = {
    "rotation": 0.1,
    "zoom": 0.2,
    "brightness": 0.2,
    "contrast": 0.2,
    "cutout": 0.5,
    "mixup": 1.0,
}
MODEL: dict[str, dict[str, Any]] = {
    "cnn": {
        "augment": "flip",
        "shift": (0.5, {"augment": "flip+crop"}),
        **AUGMENTATION,
        "filters": [2],
        "units": 3,
        "dropout": 0.4,
        "batch_norm": True,
    },
    "whitened": {
        "augment": "flip",
        "shift": (0.5, {"augment": "flip+crop"}),
        **AUGMENTATION,
        "widths": [4],
        "depth": 3,
        "activation": "relu",
        "scale": 0.5,
        "bias": True,
    },
    "pretrained": {
        "augment": "flip",
        "shift": (0.5, {"augment": "flip+crop", "finetune": 1}),
        **AUGMENTATION,
        "backbone": "efficientnet-lite1",
        "side": 64,
        "finetune": 2,
        "block_rate": (0.5, {"finetune": 2}),
    },
    "bilstm": {
        "vocabulary": 9,
        "length": 3,
        "tokens": "char",
        "ngrams": 2,
        "keep": ("start", {"length": 3}),
        "embedding": 3,
        "units": [3],
        "dense": 3,
        "cell": "gru",
        "masking": False,
        "dropout": 0.4,
        "pooling": "max",
    },
    "textcnn": {
        "embedding": 3,
        "widths": [2],
        "filters": 3,
        "dropout": 0.4,
        "context": 2,
        "region": (3, {"context": 2}),
    },
    "regions": {
        "known": 7,
        "width": 2,
        "filters": 3,
        "dropout": 0.4,
        "context": 2,
        "region": (3, {"context": 2}),
    },
    "ngrams": {
        "longest": 1,
        "buckets": 128,
        "min_count": 3,
        "smoothing": 9.0,
        "fit": "solver",
    },
    "committee": {"pace": 50.0},
}
ELSEWHERE = {"folder"}
"""Keys whose test is where the weights of backbones are loaded: ``test_pretrained.py``."""
SMALL: dict[str, dict[str, Any]] = {
    "pretrained": {"side": 32},
    "cnn": {"filters": [4], "units": 4},
    "whitened": {"widths": [8]},
    "bilstm": {"units": [4], "embedding": 4, "dense": 4, "length": 6},
    "textcnn": {"embedding": 4, "filters": 4, "widths": [3], "length": 8},
    "regions": {"filters": 4, "known": 20, "length": 8},
    "ngrams": {"buckets": 64, "vocabulary": 20, "min_count": 0, "length": 8},
    "committee": {
        "filters": 4,
        "known": 20,
        "buckets": 64,
        "vocabulary": 20,
        "min_count": 0,
        "length": 8,
    },
}
TEXTS = [
    "good film and good acting",
    "bad film",
    "no good",
    "bad bad plot, bad",
    "好 看",
    "差 评 差",
]
LABELS = np.array([1, 0, 0, 0, 1, 0], np.int64)
CASES = [(builder, key) for builder, keys in MODEL.items() for key in keys]


@cache
def tokens(options: str, folder: Path) -> tuple[str, list[list[int]]]:
    """Returns the vocabulary and the token ids of some texts under a network's options."""
    builder, values = json.loads(options)
    table = check_options(ModelConfig(builder=builder, options=values))
    path = folder / f"{abs(hash(options))}.txt"
    learn_vocabulary([TEXTS * 6], table, path)
    return path.read_text("utf-8"), GraphTokenizer(table, path).encode(TEXTS).tolist()


def model_effects(builder: str, options: dict[str, Any], folder: Path) -> Iterator[Any]:
    """Yields the inputs, then the network with its computed weights and answers."""
    model = ModelConfig(builder=builder, options={**SMALL[builder], **options})
    table = check_options(model)
    if BUILDERS[builder].task == "image":
        images = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3), np.uint8)
        rows: Any = TokenIds(images)
        augmentation = Augmentation.from_options(table)
        yield augmentation.apply(images, (1, 0, 0), np.array([True, False] * 3))[0].tolist()
        shape: tuple[int | None, ...] = (16, 16, 3)
    else:
        text_options = {k: v for k, v in model.options.items() if k in TEXT}
        seen = tokens(json.dumps([builder, text_options]), folder)
        yield seen
        rows, shape = TokenIds(np.array(seen[1], np.int32)), (table.length,)
    keras.utils.set_random_seed(0)
    keras.backend.clear_session()
    network = build_network(model, shape, 2)
    yield network.to_json()
    data = AdaptationData(rows, LABELS)
    if builder == "ngrams" and getattr(table, "solved", False):
        solve_network(model, network, data, 0)
    else:
        adapt_network(model, network, data)
    yield [weight.tolist() for weight in network.get_weights()]
    inputs = rows.take(np.arange(6))
    yield np.asarray(network(inputs, training=False)).tolist()
    if builder == "pretrained":
        yield sorted(learning_rates(table, network).items())
    if builder == "committee":  # pace changes only how fast the members learn
        network.compile("sgd", "binary_crossentropy", run_eagerly=True)
        step = network.train_on_batch(inputs, LABELS[:, None].astype(np.float32))
        yield str([step, network.test_on_batch(inputs, LABELS[:, None].astype(np.float32))])


TEXT = ("vocabulary", "length", "tokens", "ngrams", "keep")


@pytest.fixture(scope="module")
def effects(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Iterator[Any]]:
    """Yields the effects of a builder's options; those without ``changed`` are computed once."""
    folder = tmp_path_factory.mktemp("tokens")
    known: dict[str, list[Any]] = {}

    def compute(builder: str, options: dict[str, Any], *, changed: bool) -> Iterator[Any]:
        if changed:
            return model_effects(builder, options, folder)
        key = json.dumps([builder, options])
        if key not in known:
            known[key] = list(model_effects(builder, options, folder))
        return iter(known[key])

    return compute


@pytest.mark.parametrize(("builder", "key"), CASES, ids=[f"{b}.{k}" for b, k in CASES])
def test_every_key_of_a_network_changes_something(
    builder: str, key: str, effects: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pretrained, "build_feature_extractor", build_tiny)
    given = MODEL[builder][key]
    value, needed = given if isinstance(given, tuple) else (given, {})
    before = effects(builder, needed, changed=False)
    after = effects(builder, {**needed, key: value}, changed=True)
    # Ends at the first difference: most keys need no network to show theirs.
    assert any(one != other for one, other in zip(before, after, strict=True))


# --- [data] ----------------------------------------------------------------------------------


def text_file(folder: Path) -> Path:
    rows = [(f"词 good film number {n}", "pos" if n % 2 else "neg") for n in range(60)]
    path = folder / "rows.csv"
    lines = ["review,comment,label,kind,part,half"]
    for n, (text, label) in enumerate(rows):
        part = ("train", "val", "test")[n % 3]
        lines.append(f"{text},other {n},{label},{'a' if n % 5 else 'b'},{part},{n % 2}")
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


DATA: dict[str, Any] = {
    "source": None,
    "text": "comment",
    "label": "kind",
    "split": "part",
    "split_names": {"0": "train", "1": "test"},
    "labels": {"pos": "yes"},
    "delimiter": ";",
    "quoting": "none",
    "header": False,
    "encoding": "latin-1",
    "val": 0.4,
    "test": 0.4,
    "limit": 5,
    "max_characters": 20,
    "strict": True,
    "unlabelled": None,
    "drop": None,
}


def data_effects(config: dict[str, Any]) -> Any:
    try:
        data = load_data(DataConfig(**config))
    except DataError as error:
        return str(error)
    others = data.unlabelled
    return data.fingerprint, data.counts(), len(data.rejected), others and len(others)


@pytest.mark.parametrize("key", DATA)
def test_every_key_of_data_changes_something_for_texts(key: str, tmp_path: Path) -> None:
    path = text_file(tmp_path)
    base = {"source": str(path), "text": "review", "label": "label"}
    if key == "strict":
        base["max_characters"] = 20
    if key == "split_names":
        base["split"] = "half"
    if key == "quoting":
        path.write_text(path.read_text("utf-8").replace("other 3", '"other, 3"'), "utf-8")
    other = tmp_path / "others.csv"
    write_csv(other, [("one more film", "pos"), ("another", "neg")], ("text", "label"))
    value = str(other) if key == "unlabelled" else DATA[key]
    if key == "drop":
        value = str(tmp_path / "drop.csv")
        Path(value).write_text("origin\n" + "\n".join(f"rows.csv row {n}" for n in range(2, 30)))
    if key == "source":
        value = [str(path), str(path.with_name("copy.csv"))]
        path.with_name("copy.csv").write_text(
            path.read_text("utf-8").replace("film", "book"), "utf-8"
        )
    assert data_effects({**base, key: value}) != data_effects(base)


def test_every_key_of_data_changes_something_for_images(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "images", 40, side=64)
    base = {"source": str(folder)}
    plain = load_data(DataConfig(**base))
    assert load_data(DataConfig(**base, image_size=16)).shape != plain.shape
    assert load_data(DataConfig(**base, memory_mib=1)).notes != plain.notes
    names = sorted(folder.rglob("*.png"))[::3]
    table = tmp_path / "images.csv"
    lines = [f"{p.relative_to(tmp_path)},{q.relative_to(tmp_path)},{p.parent.name}"
             for p, q in zip(names, reversed(names), strict=True)]  # fmt: skip
    table.write_text("\n".join(["one,other,label", *lines]) + "\n")
    found = [
        load_data(DataConfig(source=str(table), image=c)).fingerprint for c in ("one", "other")
    ]
    assert found[0] != found[1]
    with pytest.raises(DataError, match="nowhere"):
        load_data(DataConfig(source="mnist", folder=str(tmp_path / "nowhere")))
    (tmp_path / "tables").mkdir()
    moved = table.rename(tmp_path / "tables" / "images.csv")
    with pytest.raises(DataError, match="no usable rows"):
        load_data(DataConfig(source=str(moved), image="one"))
    assert load_data(DataConfig(source=str(moved), image="one", image_root=str(tmp_path)))


def test_the_key_of_orientation_changes_something(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for at, file in enumerate(sorted(write_images(tmp_path, 4, side=8).rglob("*.png"))):
        Image.open(file).resize((12, 8)).save(file, exif=exif if at % 2 else None)
    data = load_data(DataConfig(source=str(tmp_path)))
    stored = load_data(DataConfig(source=str(tmp_path), orientation=False))
    assert (data.shape, stored.shape) == ((96, 96, 3), (8, 12, 3))
    assert load_data(DataConfig(source=str(tmp_path), auto_side=24)).shape == (24, 24, 3)
    assert data.fingerprint != stored.fingerprint
    assert any("6 images are turned as their EXIF orientation says;" in note for note in data.notes)
    assert any(note.endswith("not turned, as data.orientation says: 6") for note in stored.notes)


def test_every_key_of_folders_changes_something(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        write_images(tmp_path / name, 4, side=8, seed=ord(name))
    named = {"train_folder": "a", "val_folder": "b", "test_folder": "c"}
    base = {"source": str(tmp_path), "val": 0, "test": 0}
    assert load_data(DataConfig(**base, **named)).counts() == {"train": 12, "val": 12, "test": 12}
    for key in ("val_folder", "test_folder"):
        fewer = {**named, key: [], "skip": named[key]}
        split = key.removesuffix("_folder")
        assert split not in load_data(DataConfig(**base, **fewer)).counts()
    assert load_data(DataConfig(**base)).labels == ("a", "b", "c")


def test_every_key_has_a_test() -> None:
    assert set(TRAIN) == set(TrainConfig.model_fields)
    images = {"image", "image_size", "auto_side", "image_root", "memory_mib", "orientation"}
    folders = {"folder", "train_folder", "val_folder", "test_folder", "skip"}
    assert {*DATA, *images, *folders} == set(DataConfig.model_fields)
    for builder, keys in MODEL.items():
        fields = set(BUILDERS[builder].options.model_fields)
        shared = set(TEXT) if BUILDERS[builder].task == "text" else set()
        inherited = (
            {*MODEL["ngrams"], *MODEL["regions"]} - {"fit"} if builder == "committee" else set()
        )
        elsewhere = ELSEWHERE if builder == "pretrained" else set()
        assert set(keys) | shared | inherited | elsewhere == fields, builder


# --- without effect --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"train": {"momentum": 0.5}}, r"'train\.momentum' was given 0\.5, which has no effect"),
        ({"train": {"weight_decay": 0.1}}, r"read only where optimizer is adamw or sgd"),
        ({"train": {"lookahead": 5}}, r"change train\.optimizer\. Read here: .*learning_rate"),
        ({"train": {"bias_rate": 2.0, "optimizer": "adamw"}}, "optimizer is 'adamw'"),
        ({"train": {"warmup": 0.1, "schedule": "constant"}}, "schedule is linear or cosine"),
        ({"model": {"recipe": "cnn", "shift": 0.2, "augment": "flip"}}, r"augment is 'flip'"),
        (
            {"model": {"recipe": "textcnn", "region": 3, "context": 0}},
            "where context is other than 0",
        ),
    ],
)
def test_a_setting_without_effect_is_refused(tables: dict[str, Any], message: str) -> None:
    base = {"data": {"source": "rows.csv"}, "model": {"recipe": "bilstm"}}
    with pytest.raises(ConfigError, match=message):
        resolve_config(options={**base, **tables})


def test_a_recipe_setting_that_loses_its_effect_returns_to_its_default() -> None:
    tables = {"data": {"source": "x"}, "model": {"recipe": "cifar-fast"}}
    assert resolve_config(options=tables).train.momentum != 0.9
    changed = resolve_config(options={**tables, "train": {"optimizer": "adam"}})
    assert changed.train.momentum == 0.9
