"""The model card: what the model is, what it is for and not for, and what nobody recorded.

The headings follow Mitchell et al. (2019), Model Cards for Model Reporting. Each sentence comes
from what the run or the servable keeps; nothing is claimed that was not measured or set.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelwright.core.blocks import Facts
from modelwright.data.inspection_report import InspectReport
from modelwright.reporting.drift_section import drift_warnings
from modelwright.reporting.elements import Element, Points, Section, Warnings
from modelwright.reporting.subject import Subject
from modelwright.reporting.words import NAME_WIDTH, Words, count, share, short
from modelwright.runs.exports import shown

_LABELS = 20
_HARDLY = 0.01
"""Share of the rows below which a script counts as hardly seen in training."""


def card_section(subject: Subject, seen: InspectReport | None, t: Words) -> Section:
    """Returns the model card.

    Args:
        subject: the model.
        seen: what its training data is like; None if that is not known.
        t: the words of the page.
    """
    content: list[Element] = [Warnings(lines)] if (lines := _warnings(subject, t)) else []
    content.append(Facts(t("The model"), list(_facts(subject, t))))
    content.append(Points(t("What it is for"), list(_uses(subject, seen, t))))
    content.append(Points(t("What it is not for"), list(_limits(subject, seen, t))))
    unknown = [
        t("Who collected and labeled the rows, under which terms, and with which agreement."),
        t("Which groups of people the rows are about; so there are no figures by group."),
    ]
    content.append(Points(t("What is not recorded"), unknown))
    return Section("card", t("Model card"), content)


def _warnings(subject: Subject, t: Words) -> list[str]:
    lines = []
    summary = subject.run
    if summary and summary.status in ("training", "interrupted"):
        lines.append(
            t(
                "The training has not finished ({done} of {epochs} epochs). There are no weights"
                " to measure yet.",
                done=summary.epoch or 0,
                epochs=subject.config.train.epochs,
            )
        )
    elif summary and summary.status == "stopped":
        lines.append(t("The training was stopped before its end."))
    elif subject.evaluation is None and not (subject.manifest or {}):
        lines.append(t("These weights were never evaluated."))
    if subject.evaluation:
        lines += map(t.english, subject.evaluation.record.warnings)
    return [*lines, *drift_warnings(subject, t), *map(t.english, subject.files.problems)]


def _facts(subject: Subject, t: Words) -> Iterator[tuple[str, object]]:
    owner, metrics = subject.owner, subject.metrics
    kind = "classifier of texts" if subject.task == "text" else "classifier of images"
    yield t("kind"), t(kind)
    yield t("recipe"), subject.config.recipe
    labels = [short(label, 30) for label in subject.labels[:_LABELS]]
    more = len(subject.labels) - len(labels)
    told = t.join(labels)
    yield t("labels"), t("{labels} and {more} more", labels=told, more=more) if more else told
    if "parameters" in metrics:
        yield t("parameters"), count(metrics["parameters"])
    if owner.backbone:
        yield t("pretrained backbone"), owner.backbone.get("name", "")
        yield t("license of the backbone"), owner.backbone.get("license", "")
    if subject.manifest:
        yield t("servable"), f"{subject.manifest.name}, {subject.manifest.version}"
        yield t("exported"), subject.manifest.created
    if subject.run:
        yield t("run"), shown(subject.run.path)


def _uses(subject: Subject, seen: InspectReport | None, t: Words) -> Iterator[str]:
    number = len(subject.labels)
    if subject.task == "text":
        yield t("It gives each text one of {number} labels, and a probability for each.",
                number=number)  # fmt: skip
    else:
        yield t("It gives each image one of {number} labels, and a probability for each.",
                number=number)  # fmt: skip
    rows = subject.data.get("rows", {}).get("train")
    if rows is not None:
        source = short(str(subject.data.get("source", "")), NAME_WIDTH)
        yield t("Rows like the {rows} of {source} on which it was trained.",
                rows=count(rows), source=source)  # fmt: skip
    if seen and seen.scripts:
        told = [
            f"{t(name)} {share(part)}" for name, part in seen.scripts.items() if part >= _HARDLY
        ]
        yield t("The script of these texts: {scripts}.", scripts=t.join(told))
    if seen and seen.lengths:
        yield t("Half of them have at most {median} characters, 95 % at most {most}.",
                median=count(seen.lengths["median"]), most=count(seen.lengths["p95"]))  # fmt: skip
    if subject.shape:
        height, width, channels = subject.shape
        colors = t("gray") if channels == 1 else t("color")
        yield t("Each image is resized to {height} × {width} pixels, {colors}.",
                height=height, width=width, colors=colors)  # fmt: skip


def _limits(subject: Subject, seen: InspectReport | None, t: Words) -> Iterator[str]:
    yield t("Rows that belong to none of its labels: it gives them one all the same.")
    if seen and seen.scripts:
        hardly = [t(name) for name, part in seen.scripts.items() if part < _HARDLY]
        if hardly:
            yield t("Texts in scripts of which it has seen less than 1 %: {scripts}.",
                    scripts=t.join(hardly))  # fmt: skip
    options = subject.config.model.options
    if subject.task == "text" and isinstance(options.get("length"), int):
        if options.get("keep", "end") == "start":
            yield t("Texts of more than {length} tokens: it reads only the first {length}.",
                    length=count(options["length"]))  # fmt: skip
        else:
            yield t("Texts of more than {length} tokens: it reads only the last {length}.",
                    length=count(options["length"]))  # fmt: skip
    evaluation = subject.evaluation
    if evaluation:
        yield t("Uses in which {wrong} wrong answers are too many; as many were wrong of {rows}"
                " rows ({name}).", wrong=share(1 - evaluation.record.accuracy),
                rows=count(evaluation.record.rows), name=t.evaluated(evaluation.name))  # fmt: skip
    yield t("Rows from another source: the figures hold for rows drawn like the measured ones.")
