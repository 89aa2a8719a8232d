"""The tables of a config file: each key with its meaning and bounds.

The options of each model are in ``modelwright.models.options``. ``modelwright.recipes`` merges the
settings of a recipe, a file and the command line.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, TypeVar

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from modelwright.core.errors import ConfigError
from modelwright.core.nearest import nearest

Fraction = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[int, Field(ge=1)]
_UNKNOWN = "extra_forbidden"


class Table(BaseModel):
    """One table of a config. It is frozen and rejects unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, allow_inf_nan=False)
    read_only_with: ClassVar[Mapping[str, tuple[str, tuple[Any, ...]]]] = {}
    """Keys that have an effect only while another key has one of some values. Without such values
    that other key must differ from its default."""
    other_names: ClassVar[Mapping[str, str]] = {}
    """Other names of keys, each with the key."""

    def unread(self) -> dict[str, str]:
        """Returns the keys that other keys leave without effect, each with what it would need."""
        found = {}
        for key, (other, values) in self.read_only_with.items():
            value, default = getattr(self, other), type(self).model_fields[other].default
            if value not in values if values else value == default:
                wanted = " or ".join(map(str, values)) or f"other than {default}"
                found[key] = f"{other} is '{value}'; it is read only where {other} is {wanted}"
        return found


class DataConfig(Table):
    """``[data]``: the source of the rows and how they are split."""

    other_names: ClassVar[Mapping[str, str]] = {"unlabeled": "unlabelled"}

    source: str | list[str] = ""
    """A path, a named set (``imdb``), or a list of them that is read as one."""
    folder: str | None = None
    """Folder to search first for the files of a named set."""
    text: str | None = None
    """Column with the text. The default is found by its name; ``#2`` is the second column."""
    image: str | None = None
    """Column with paths of images, relative to the table's folder."""
    label: Annotated[str, Field(min_length=1)] | None = None
    """Column with the label. The default is found by its name."""
    split: str | None = None
    """Column with the split. The default is found by its name; ``none`` reads no such column."""
    split_names: dict[str, Literal["train", "val", "test"]] = {}
    """Split of each value of that column, for values that are not usual names of splits."""
    labels: Literal["keep", "fold"] | dict[str, str] = "keep"
    """fold makes one class of labels that differ only in case, width or spaces, or as ``1`` and
    ``1.0``. A table names the new label of each old one; an empty one rejects the rows."""
    train_folder: str | list[str] = []
    """Folder of the training rows, or a list of them; "." if all folders are classes."""
    val_folder: str | list[str] = []
    """Folder of the validation rows, or a list of them."""
    test_folder: str | list[str] = []
    """Folder of the test rows, or a list of them."""
    skip: str | list[str] = []
    """Folder that is left out, or a list of them."""
    image_root: str | list[str] = []
    """Folder in which images may lie that a table names, besides its own, or a list of them."""
    orientation: bool = True
    """Whether images are turned as their EXIF orientation says."""
    unlabelled: str | list[str] = []
    """Tables or named sets of texts without labels, for networks that learn from texts alone.
    ``unlabeled`` is the same key."""
    drop: str | list[str] = []
    """CSV file that lists rows to leave out of training and validation, such as the suspects of an
    audit, or a list of them. Listed test rows stay."""
    encoding: str = "auto"
    """Encoding of a text table: a codec, or auto for UTF-8 and marked UTF-16."""
    delimiter: Literal["auto", ",", ";", "|", "tab", "\t", ":", "^", "~", "\x01"] = "auto"
    """Character between the columns of a text table. auto looks for ``, ; |`` and tab."""
    quoting: Literal["auto", "double", "none"] = "auto"
    """double: a cell in double quotes may hold delimiters and line ends. none: quotes are text."""
    header: bool = True
    """Whether the first row of a text table names the columns."""
    image_size: Literal["auto"] | Annotated[int, Field(ge=8, le=1024)] = "auto"
    """Side, in pixels, to which images are resized. auto keeps a size that all images share."""
    auto_side: Annotated[int, Field(ge=8, le=1024)] = 96
    """Side, in pixels, to which auto resizes images of several sizes or of more than 224 pixels."""
    val: Fraction = 0.1
    """Share of the training rows held out for validation, if the source has no such split."""
    test: Fraction = 0.1
    """Share of the rows held out for the test, if the source has no such split."""
    limit: Positive | None = None
    """Largest number of rows of each split, for a quick trial."""
    max_characters: Positive = 1_000_000
    """Longer texts are rejected."""
    memory_mib: Positive = 2048
    """Images that take more memory than this, decoded, are read from their files when needed."""
    strict: bool = False
    """Whether a rejected row is an error."""


class ModelConfig(Table):
    """``[model]``: the builder and its options, which the builder's own table has checked."""

    builder: str
    options: dict[str, Any] = Field(default_factory=dict)


class TrainConfig(Table):
    """``[train]``: how the network is trained."""

    read_only_with: ClassVar[Mapping[str, tuple[str, tuple[Any, ...]]]] = {
        "momentum": ("optimizer", ("sgd",)),
        "bias_rate": ("optimizer", ("sgd",)),
        "lookahead": ("optimizer", ("sgd",)),
        "weight_decay": ("optimizer", ("adamw", "sgd")),
        "warmup": ("schedule", ("linear", "cosine")),
        "histograms": ("tensorboard", (True,)),
    }

    epochs: Positive = 10
    min_steps: Annotated[int, Field(ge=0)] = 0
    """Fewest steps of all epochs. With few rows, each epoch goes over them several times."""
    patience: Annotated[int, Field(ge=0)] = 3
    """Epochs without a better ``monitor`` before the training stops. 0 never stops early."""
    monitor: Literal["val_loss", "val_accuracy"] = "val_loss"
    min_val_rows: Annotated[int, Field(ge=0)] = 0
    """With fewer validation rows no epoch is chosen: the training ends with its last one."""
    batch_size: Positive = 128
    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"] = "auto"
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    optimizer: Literal["adam", "adamw", "sgd", "adagrad"] = "adam"
    learning_rate: Annotated[float, Field(gt=0, le=10)] = 1e-3
    momentum: Fraction = 0.9
    """Nesterov momentum of sgd."""
    bias_rate: Annotated[float, Field(gt=0, le=1000)] = 1.0
    """Learning rate of biases, as a multiple of that of kernels, with sgd."""
    lookahead: Annotated[int, Field(ge=0)] = 0
    """Steps between pulls of the weights to their moving average, with sgd. 0 never pulls."""
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    """Schedule of the learning rate. linear and cosine fall to zero over ``epochs``."""
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of all steps in which the rate rises from zero; not with the constant schedule."""
    weight_decay: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Decoupled decay of all weights, with adamw and sgd."""
    clip_norm: Annotated[float, Field(gt=0)] | None = None
    """Largest global norm of the gradients."""
    label_smoothing: Fraction = 0.0
    class_weight: Literal["none", "balanced"] = "none"
    """balanced weights each class by the inverse of its share."""
    tensorboard: bool = True
    histograms: bool = False
    """Whether TensorBoard gets a histogram of each layer's weights after each epoch."""


class ClusterConfig(Table):
    """``[cluster]``: the processes of one training. A run's config does not hold it."""

    use: Literal["auto", "none"] = "auto"
    """auto also finds the processes that Slurm, Kubernetes or Ray started; none trains alone."""
    processes: Annotated[int, Field(ge=1, le=4096)] | None = None
    """Number of processes that train together."""
    rank: Annotated[int, Field(ge=0)] | None = None
    """Number of this process, from 0."""
    coordinator: Annotated[str, Field(pattern=r"^[^\s/]+:[0-9]{1,5}$")] | None = None
    """Address and port of the process with rank 0, as all processes reach it."""


class Config(Table):
    """A complete config, as a run stores it."""

    name: Annotated[str, Field(pattern=r"^[\w][\w.-]*$", max_length=64)]
    recipe: str
    data: DataConfig
    model: ModelConfig
    train: TrainConfig

    @model_validator(mode="before")
    @classmethod
    def _read_earlier(cls, values: Any) -> Any:
        """Reads what an earlier version stored, which did not turn images."""
        data = values.get("data") if isinstance(values, Mapping) else None
        if isinstance(data, Mapping) and "orientation" not in data:
            return {**values, "data": {**data, "orientation": False}}
        return values


AnyTable = TypeVar("AnyTable", bound=Table)


def check_table(kind: type[AnyTable], values: Mapping[str, Any], name: str) -> AnyTable:
    """Returns a validated table.

    Raises:
        ConfigError: A value is not allowed. The message names the key, what was given, what is
            allowed, and for an unknown key the most similar one.
    """
    values = {kind.other_names.get(key, key): value for key, value in values.items()}
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        # A misspelled key explains a missing one.
        first = next((one for one in problems if one["type"] == _UNKNOWN), problems[0])
        key = ".".join(str(part) for part in (name, *first["loc"][:1]) if part != "")
        raise ConfigError(_explain(kind, key, first, values)) from None


def to_toml(config: Config) -> str:
    """Returns a config as TOML that ``from_toml`` reads."""
    return tomli_w.dumps(config.model_dump(exclude_none=True))


def from_toml(text: str) -> Config:
    """Returns a config from TOML that ``to_toml`` wrote.

    Raises:
        ConfigError: The text is not a config.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"the run's config.toml is not TOML: {error}.") from None
    return check_table(Config, tables, "")


def setting(value: Any) -> str:
    """Returns a value in the form of ``--set``, which ``recipes.resolve.parse_set`` reads."""
    if isinstance(value, list):
        inside = (json.dumps(v, ensure_ascii=False) if isinstance(v, str) else v for v in value)
        return f"[{', '.join(v if isinstance(v, str) else setting(v) for v in inside)}]"
    if not isinstance(value, str):
        return str(value).lower() if isinstance(value, bool) else str(value)
    try:
        tomllib.loads(f"value = {value}")
    except tomllib.TOMLDecodeError:
        return value
    return json.dumps(value, ensure_ascii=False)  # without quotes it would be read as a number


def allowed(kind: type[Table], key: str) -> str:
    """Returns in words what a key may hold, from its JSON schema."""
    schema = kind.model_json_schema()["properties"][key]
    return " or ".join(_allowed(option) for option in _either(schema))


def _explain(kind: type[Table], key: str, first: Any, values: Mapping[str, Any]) -> str:
    field = str(first["loc"][0])
    if first["type"] == _UNKNOWN:
        known = sorted(kind.model_fields)
        return f"unknown key '{key}'.{nearest(field, known)} Known here: {', '.join(known)}."
    if first["type"] == "missing":
        return f"'{key}' is missing; expected {allowed(kind, field)}."
    return f"'{key}' was given {values[field]!r}; expected {allowed(kind, field)}."


def _either(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(schema.get("anyOf", [schema]))


def _allowed(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " or ".join(repr(value) for value in schema["enum"])
    if "const" in schema:
        return repr(schema["const"])
    kinds = {
        "integer": "an integer",
        "number": "a number",
        "string": "a text",
        "boolean": "true or false",
        "null": "nothing",
        "array": "a list",
    }
    words = kinds.get(schema.get("type", ""), "a table")
    if isinstance(schema.get("additionalProperties"), Mapping):
        words += f" whose values are each {_allowed(schema['additionalProperties'])}"
    if "items" in schema:
        words += f" of at least {schema['minItems']}" if "minItems" in schema else ""
        words += f", each {' or '.join(_allowed(item) for item in _either(schema['items']))}"
    bounds = {
        "minimum": "at least",
        "exclusiveMinimum": "above",
        "maximum": "at most",
        "exclusiveMaximum": "below",
        "pattern": "matching",
    }
    limits = [f"{word} {schema[key]}" for key, word in bounds.items() if key in schema]
    return f"{words} {' and '.join(limits)}".strip()
