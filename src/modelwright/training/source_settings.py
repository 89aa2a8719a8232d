"""The model that a training starts from: what it records, and the settings taken from it.

Loads no network: ``starting_weights`` does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from modelwright.core.config import Config, ModelConfig, TrainConfig, check_table, setting
from modelwright.core.errors import ConfigError, ModelwrightError, ServableError
from modelwright.core.files import sha256_file
from modelwright.core.folders import RUN_RECORD, is_run, kind_of, wrong_folder
from modelwright.core.types import Task
from modelwright.models.builders import check_options
from modelwright.recipes.recipe import Recipe, read_recipe
from modelwright.recipes.resolve import ResolvedConfig, resolve_or_choose
from modelwright.runs.run import VOCABULARY, WEIGHTS, load_run
from modelwright.servable import tokenizer
from modelwright.servable.manifest import MANIFEST, find_version, read_manifest, version_folders

FEATURES = "features"
"""What ``freeze`` calls all layers but the last ones."""
TOKENIZER_KEYS = ("vocabulary", "tokens", "ngrams")
"""Options that decide which tokens the ids stand for."""
RecipeOf = Callable[[str | None], Recipe]


@dataclass(frozen=True)
class SourceRecord:
    """What a run or a servable records of its model.

    Attributes:
        folder: the run, or the version of the servable.
        recipe: the name of its recipe.
        model: the builder and its options as they are in use.
        train: how it was trained; None where nothing usable is recorded.
        task: what it classifies.
        labels: its classes.
        shape: the shape of its images; None for texts.
        vocabulary: the file of its tokens; None for images.
        fingerprint: a sha256 that changes with its weights.
        backbone: what it records of its pretrained backbone; empty without one.
    """

    folder: Path
    recipe: str
    model: ModelConfig
    train: TrainConfig | None
    task: Task
    labels: tuple[str, ...]
    shape: tuple[int, ...] | None
    vocabulary: Path | None
    fingerprint: str
    backbone: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_run(self) -> bool:
        """Whether it is a run; otherwise it is a servable."""
        return (self.folder / RUN_RECORD).exists()


def read_source(place: Path) -> SourceRecord:
    """Returns what is recorded of the model in a folder, after a check of all its files.

    Args:
        place: a run, a version of a servable, or a model, whose live version is taken.

    Raises:
        RunError: the folder is a run that cannot be used.
        ServableError: the folder is neither a run nor a servable, or cannot be used.
    """
    if is_run(place):
        run = load_run(place)
        return SourceRecord(
            folder=place,
            recipe=run.config.recipe,
            model=run.model,
            train=run.config.train,
            task=run.task,
            labels=run.labels,
            shape=run.shape,
            vocabulary=place / VOCABULARY if run.task == "text" else None,
            fingerprint=sha256_file(place / WEIGHTS),
            backbone=run.backbone,
        )
    folder = _version(place)
    manifest = read_manifest(folder)
    try:
        model = ModelConfig(**manifest.config["model"])
        check_options(model)
        recipe = str(manifest.config["recipe"])
    except (KeyError, TypeError, ValueError) as error:
        raise ServableError(
            f"{folder} does not say how its network is built ({type(error).__name__} {error});"
            " expected a servable that 'modelwright export' made."
        ) from None
    return SourceRecord(
        folder=folder,
        recipe=recipe,
        model=model,
        train=_train_settings(manifest.config.get("train")),
        task=manifest.task,
        labels=manifest.labels,
        shape=manifest.shape,
        vocabulary=folder / tokenizer.VOCABULARY if manifest.task == "text" else None,
        fingerprint=sha256_file(folder / MANIFEST),
        backbone=manifest.backbone,
    )


def resolve_start(
    place: Path,
    freeze: Sequence[str],
    file: Path | None,
    options: Mapping[str, Any],
    sets: Sequence[str],
) -> ResolvedConfig:
    """Returns the config of a training that starts from a model, with notes about what it takes.

    Args:
        place: the model to start from.
        freeze: what stays frozen.
        file: a TOML file with settings, or None.
        options: the same tables as a mapping.
        sets: texts ``table.key=value``.

    Raises:
        ConfigError: a setting cannot be used.
        RunError: the model is a run that cannot be used.
        ServableError: the folder is no model, or cannot be used.
    """
    source = read_source(place)
    named: list[str | None] = []
    choose = recipe_from(source, freeze)

    def recipe_of(name: str | None) -> Recipe:
        named.append(name)
        return choose(name)

    resolved = resolve_or_choose(file, options, sets, recipe_of=recipe_of)
    notes = settings_notes(source, resolved.config, named=named[-1] is not None)
    return replace(resolved, notes=(*notes, *resolved.notes))


def recipe_from(source: SourceRecord, freeze: Sequence[str] = ()) -> RecipeOf:
    """Returns a function from the name of the user's recipe, or None, to the recipe to use.

    Without a name it is the source's own: its builder, all its options, and its training. With
    one, only the tokenizer is the source's, so that token ids mean the same in both networks.

    Args:
        source: the model to start from.
        freeze: what stays frozen. A backbone that stays as it is needs no steps.
    """

    def choose(name: str | None) -> Recipe:
        if name is not None:
            named = read_recipe(name)
            return replace(named, model={**named.model, **_tokenizer_settings(source)})
        options = dict(source.model.options)
        if FEATURES in freeze and options.get("finetune"):
            options |= {"finetune": 0, "augment": _mirrored(options.get("augment", "none"))}
        train = source.train.model_dump(exclude_none=True) if source.train else {}
        data: dict[str, Any] = {}
        with suppress(ConfigError):  # a recipe that is not known here
            data |= read_recipe(source.recipe).data
        if source.shape and source.shape[0] == source.shape[1]:
            data["image_size"] = source.shape[0]
        return Recipe(source.recipe, "", source.model.builder, data, options, train)

    return choose


def settings_notes(source: SourceRecord, config: Config, *, named: bool) -> tuple[str, ...]:
    """Returns what was taken from the source, and how to choose otherwise.

    Args:
        source: the model to start from.
        config: the settings of the training.
        named: whether the user named a recipe.
    """
    place = source.folder
    if named:
        taken = _tokenizer_settings(source)
        keys = ", ".join(f"model.{key}={setting(value)}" for key, value in taken.items())
        notes = [f"the tokenizer is that of {place}: {keys}"] if taken else []
    else:
        notes = [
            f"the recipe is that of {place}, '{source.recipe}', with its options and its training;"
            " --recipe names another, --set changes a setting"
        ]
    options = check_options(config.model)
    if not getattr(options, "solved", False) or getattr(options, "steps_follow", False):
        rate = config.train.learning_rate
        own = source.train is not None and rate == source.train.learning_rate
        whose = ", as the source was trained" if own else ""
        notes.append(
            f"the learning rate is {rate:g}{whose}; --set train.learning_rate=NUMBER sets another"
        )
    return tuple(notes)


def check_same_task(source: SourceRecord, task: Task) -> str:
    """Returns why rows of a task cannot be learned from a source; empty if they can."""
    if source.task == task:
        return ""
    return (
        f"{source.folder} classifies {source.task}s, but this run classifies {task}s; start from a"
        " model of the same task."
    )


def _version(place: Path) -> Path:
    """Returns the folder of a version, with those that exist in the message where it does not."""
    if kind_of(place) == "nothing" and kind_of(place.parent) == "model":
        known = ", ".join(map(str, version_folders(place.parent)))
        raise ServableError(
            f"{place.parent} has no version {place.name}; expected one of {known}, or"
            f" {place.parent} for the live one."
        )
    try:
        return find_version(place)
    except ServableError:
        if kind_of(place) in ("nothing", "file", "folder", "runs", "models"):
            raise ServableError(wrong_folder(place, "source")) from None
        raise


def _train_settings(values: Any) -> TrainConfig | None:
    try:
        return check_table(TrainConfig, values, "train")
    except (ModelwrightError, TypeError, AttributeError):
        return None


def _tokenizer_settings(source: SourceRecord) -> dict[str, Any]:
    if source.task != "text":
        return {}
    options = check_options(source.model)
    return {key: getattr(options, key) for key in TOKENIZER_KEYS}


def _mirrored(augment: str) -> str:
    """Returns the augmentation that a network without steps can have."""
    return "flip" if "flip" in augment else "none"
