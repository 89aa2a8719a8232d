"""Versions and lineage, how to serve the model, and how to repeat what made it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator

from modelwright.core.blocks import Facts, Note, Table
from modelwright.core.config import Config, setting
from modelwright.core.errors import ModelwrightError
from modelwright.recipes.resolve import flatten_settings, resolve_config
from modelwright.reporting.elements import Commands, Element, Section
from modelwright.reporting.subject import Subject
from modelwright.reporting.update_record import FoundUpdate
from modelwright.reporting.update_section import EARLIER_RUN, update_command
from modelwright.reporting.words import Words
from modelwright.runs.exports import shown
from modelwright.servable.examples import read_examples
from modelwright.servable.manifest import EXAMPLES

_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
_EXAMPLE = 80
"""Characters of the longest example in a command."""
_UNNAMED = ("name", "recipe", "data.source", "train.tensorboard", "train.histograms", "train.seed")


def lineage_section(subject: Subject, t: Words) -> Section:
    """Returns what the model was made of and with which versions."""
    facts: list[tuple[str, object]] = [
        (t("data"), subject.data["source"]),
        (t("fingerprint of the data"), subject.data["fingerprint"]),
    ]
    if subject.run:
        facts += [(t("run"), shown(subject.run.path)),
                  (t("sha256 of the weights"), subject.run.weights or t("none"))]  # fmt: skip
    else:
        facts.append((t("run"), t("not found here")))
    backbone = subject.owner.backbone
    facts += [(t("backbone: {key}", key=key), str(value)) for key, value in backbone.items()]
    if subject.manifest and subject.servable:
        facts += [(t("servable"), shown(subject.servable)),
                  (t("exported"), subject.manifest.created)]  # fmt: skip
    elif subject.run:
        facts.append((t("servable"), t("none of these weights")))
    versions = list(subject.owner.versions.items())
    table = Table((t("package"), t("version")), versions, t("Versions that trained it"))
    content: list[Element] = [Facts(t("Lineage"), facts), table]
    if subject.run and len(subject.run.exports) > 1:
        rows = [(one.describe(), one.created) for one in subject.run.exports]
        content.append(Table((t("servable"), t("exported")), rows, t("All exports of the run")))
    return Section("lineage", t("Versions and lineage"), content)


def serving_section(subject: Subject, t: Words) -> Section:
    """Returns the commands that serve the model and ask it."""
    folder, manifest = subject.servable, subject.manifest
    lines: list[str] = []
    if folder is None or manifest is None:
        if subject.run and not (subject.run.run and subject.run.run.finished):
            note = Note(t("There is nothing to serve before the training has finished."))
            return Section("serving", t("How to serve it"), [note])
        target = f"models/{subject.name}"
        lines.append(shlex.join(["modelwright", "export", str(subject.path), target]))
        models, name = "models", subject.name
    else:
        models, name = shown(folder.resolve().parent.parent), manifest.name
    lines.append(shlex.join(["modelwright", "serve", models]))
    address = f"http://localhost:8501/v1/models/{name}:predict"
    ask = [_curl(subject, address)]
    return Section("serving", t("How to serve it"), [
        Commands(t("These commands start a server on this machine:"), lines),
        Commands(t("This command asks it, in another terminal:"), ask),
    ])  # fmt: skip


def repeating_section(subject: Subject, t: Words) -> Section:
    """Returns the commands that make the same model again."""
    content: list[Element] = []
    title = t("How to repeat it")
    if subject.update:
        return Section("repeating", title, list(_repeated_update(subject, subject.update, t)))
    seed, fingerprint = subject.config.train.seed, str(subject.data["fingerprint"])[:12]
    lines = []
    command = train_command(subject.config)
    if command:
        lines.append(command)
        lines += [f"modelwright evaluate {_OUT}", f"modelwright export {_OUT} models/repeated"]
        content.append(Commands(t("These commands train, measure and export it again:"), lines))
    else:
        content.append(Note(t("Its settings cannot be written as options; config.toml in the run"
                              " has them all.")))  # fmt: skip
    content.append(
        Note(t("With random seed {seed}, {versions}, and data with the fingerprint {fingerprint},"
               " the result is the same on the same kind of processor.", seed=seed,
               versions=_versions(subject, t), fingerprint=fingerprint))
    )  # fmt: skip
    return Section("repeating", title, content)


def _repeated_update(subject: Subject, update: FoundUpdate, t: Words) -> Iterator[Element]:
    command = update_command(subject, update)
    if command is None:
        yield Note(t("An update made it, but its lineage is damaged, so no command can be given."))
        return
    yield Commands(t("This command made it, with the memory of the versions before. Settings that"
                     " were given with --set are not recorded:"), [command])  # fmt: skip
    if EARLIER_RUN in shlex.split(command):
        yield Note(t("Write the folder of the earlier run in place of {name}; it is not recorded.",
                     name=EARLIER_RUN))  # fmt: skip
    yield Note(t("With {versions}, and the model and rows of the fingerprints above, the result is"
                 " the same on the same kind of processor.",
                 versions=_versions(subject, t)))  # fmt: skip


def _versions(subject: Subject, t: Words) -> str:
    versions = subject.owner.versions
    return t.join([f"{name} {versions[name]}" for name in _DECIDING if name in versions])


_OUT = "runs/repeated"
_DECIDING = ("python", "modelwright", "tensorflow", "keras")


def train_command(config: Config) -> str | None:
    """Returns the command that trains with a config, or None if options cannot say it."""
    changed = changed_settings(config)
    if changed is None:
        return None
    source = config.data.source
    arguments = ["modelwright", "train"]
    for one in [source] if isinstance(source, str) else source:
        arguments += ["--data", one]
    arguments += ["--recipe", config.recipe, "--seed", str(config.train.seed)]
    for key, value in changed.items():
        arguments += ["--set", f"{key}={setting(value)}"]
    return shlex.join([*arguments, "--out", _OUT])


def changed_settings(config: Config) -> dict[str, object] | None:
    """Returns the settings other than those of the recipe, ``table.key`` to value.

    Returns:
        None if the recipe is not here, or if a setting was taken away, which no text can say.
    """
    try:
        usual = resolve_config(options={"data": {"source": config.data.source},
                                        "model": {"recipe": config.recipe}})  # fmt: skip
    except ModelwrightError:
        return None
    before, now = dict(_settings(usual)), dict(_settings(config))
    changed = {
        key: value for key, value in now.items() if before.get(key) != value and key not in _UNNAMED
    }
    return None if None in changed.values() else changed


def _settings(config: Config) -> Iterator[tuple[str, object]]:
    for key, value in flatten_settings(config.model_dump()):
        if key != "model.builder":
            yield key.replace("model.options.", "model.", 1), value


def _curl(subject: Subject, address: str) -> str:
    address = address if re.fullmatch(r"[\w:/.%-]+", address, re.ASCII) else shlex.quote(address)
    if subject.task == "image":
        form = """'{"instances":[{"image_bytes":{"b64":"%s"}}]}'"""
        file = "image.png"
        return f"printf {form} \"$(base64 < {file} | tr -d '\\n')\" | curl -d @- {address}"
    body = json.dumps({"instances": [_example(subject)]}, ensure_ascii=False)
    return f"curl -d {shlex.quote(visible(body))} {address}"


def _example(subject: Subject) -> str:
    """Returns a short text that the model was checked with, or else one that says what it is."""
    if subject.servable:
        try:
            texts = read_examples(subject.servable / EXAMPLES, "text").inputs
        except ModelwrightError:
            texts = ()
        usable = [str(text) for text in texts if 8 <= len(text) <= _EXAMPLE]
        if usable:
            return usable[0]
    return "TEXT"


def visible(text: str) -> str:
    """Returns a text with characters that a reader cannot see as JSON and TOML write them."""
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
