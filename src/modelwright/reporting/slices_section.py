"""Slices of the measured rows, and the worst mistakes among them."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image

from modelwright.core.blocks import Note, Table
from modelwright.core.errors import ModelwrightError
from modelwright.core.types import Split
from modelwright.reporting import charts
from modelwright.reporting.charts import Dot, Said
from modelwright.reporting.elements import Chart, Element, Gallery, ImageCard, Section
from modelwright.reporting.evaluation_record import Answers, Evaluation, MistakeRecord
from modelwright.reporting.limits import Limits
from modelwright.reporting.slices import (
    Slice,
    lengths_and_scripts,
    measured_rows,
    slice_by_length,
    slice_by_script,
)
from modelwright.reporting.subject import Subject
from modelwright.reporting.words import Words, count, share, short

_SIDE = 96
"""Largest side of a small image, in pixels."""
_GROUPS = ("praise negated", "blame negated", "distant")
_LANGUAGES = {"en": "English", "zh": "Chinese"}


def slices_section(subject: Subject, t: Words) -> Section | None:
    """Returns the accuracy of parts of the rows; None without an evaluation."""
    evaluation = subject.evaluation
    if evaluation is None:
        return None
    content: list[Element] = []
    if subject.task == "text":
        content += _text_slices(evaluation, subject, t)
    else:
        content.append(Note(t("Images have no slices by length or script. The classes above are"
                              " their slices.")))  # fmt: skip
    for check in evaluation.record.slices:
        language = t(_LANGUAGES.get(check.language, check.language))
        words = t("{accuracy} of {rows} test sentences are right (95 %: {interval}). Each pair says"
                  " the same without and with a negation.", accuracy=share(check.accuracy),
                  rows=check.rows, interval=t.interval(*check.accuracy_interval))  # fmt: skip
        rows = [
            (
                t(one.name) if one.name in _GROUPS else one.name,
                one.pairs,
                share(one.plain),
                share(one.negated),
                share(one.both),
            )
            for one in (*check.turned, *check.kinds)
        ]
        headers = (
            t("pairs"),
            t("number of pairs"),
            t("plain right"),
            t("negated right"),
            t("both right"),
        )
        title = t("Negation, {language}", language=language)
        content += [Table(headers, rows, title), Note(words)]
    if subject.task == "text" and not evaluation.record.slices:
        content.append(
            Note(
                t(
                    "There is no negation check. It is made for two labels whose names mean praise"
                    " and blame, in English and Chinese."
                )
            )
        )
    return Section("slices", t("Slices"), content)


def mistakes_section(subject: Subject, limits: Limits, t: Words) -> Section | None:
    """Returns the wrong answers of which the model was surest; None without an evaluation."""
    evaluation = subject.evaluation
    if evaluation is None:
        return None
    title = t("Worst mistakes")
    mistakes = evaluation.record.mistakes[: limits.mistakes]
    if not mistakes:
        return Section("mistakes", title, [Note(t("No mistake is recorded."))])
    content: list[Element] = [
        Note(t("Wrong answers with the highest probability. Some may be wrong labels of the data."))
    ]
    if subject.task == "image":
        cards = list(_cards(evaluation, subject, mistakes, t)) if limits.images else []
        if cards:
            content.append(Gallery(cards))
        else:
            content.append(Note(t("The images are not shown: the data cannot be read now, or the"
                                  " page would be too large.")))  # fmt: skip
    texts = subject.task == "text"
    headers = [t("text") if texts else t("image"), t("label"), t("predicted"), t("probability")]
    rows = [
        [short(one.text if one.text is not None else one.origin, limits.text), short(one.label),
         short(one.predicted), f"{one.probability:.3f}", *([short(one.origin)] if texts else [])]
        for one in mistakes
    ]  # fmt: skip
    if texts:
        headers.append(t("row"))
    caption = t("Worst mistakes, {rows}", rows=t.evaluated(evaluation.name))
    content.append(Table(headers, rows, caption))
    return Section("mistakes", title, content)


def _text_slices(evaluation: Evaluation, subject: Subject, t: Words) -> list[Element]:
    answers = evaluation.answers
    split = measured_rows(evaluation, subject.rows)
    if split is None or isinstance(answers, str):
        return [Note(t("Slices by length and script are missing: the measured texts cannot be read"
                       " now, or are not those of the run's data."))]  # fmt: skip
    lengths, scripts = lengths_and_scripts(split)
    by_length = slice_by_length(answers, lengths)
    named = [(t("{first} to {last} characters", first=count(one.first), last=count(one.last)), one)
             for one in by_length]  # fmt: skip
    found = [_slices_chart(t("Accuracy by length"), named, t)] if named else []
    by_script = slice_by_script(answers, scripts)
    if by_script:
        titled = [(t(one.name), one) for one in by_script]
        found.append(_slices_chart(t("Accuracy by script of most letters"), titled, t))
    return list(found)


def _slices_chart(title: str, slices: list[tuple[str, Slice]], t: Words) -> Chart:
    worst = min(slices, key=lambda one: one[1].accuracy)
    words = t("The lowest is {accuracy}: {name}, {rows} rows.", accuracy=share(worst[1].accuracy),
              name=worst[0], rows=count(worst[1].rows))  # fmt: skip
    said = Said(title, words, t("accuracy in %"))
    dots = [Dot(name, one.accuracy, one.low, one.high) for name, one in slices]
    rows = [
        (name, one.rows, share(one.accuracy), t.interval(one.low, one.high)) for name, one in slices
    ]
    headers = (t("slice"), t("rows"), t("accuracy"), t("95 % interval"))
    return Chart(charts.dot_plot(dots, said), said.title, words, Table(headers, rows, title))


def _cards(
    evaluation: Evaluation, subject: Subject, mistakes: tuple[MistakeRecord, ...], t: Words
) -> Iterator[ImageCard]:
    split = measured_rows(evaluation, subject.rows)
    if split is None or isinstance(evaluation.answers, str):
        return
    places = _positions(evaluation.answers, mistakes)
    for one, position in zip(mistakes, places, strict=True):
        small = _thumbnail(split, position) if position is not None else None
        if small:
            words = t("{label}, taken for {predicted}", label=short(one.label, 30),
                      predicted=short(one.predicted, 30))  # fmt: skip
            yield ImageCard(small, "image/png", f"{words} ({100 * one.probability:.1f}\u00a0%)")


def _positions(answers: Answers, mistakes: tuple[MistakeRecord, ...]) -> list[int | None]:
    wanted = {(one.origin, one.label): None for one in mistakes}
    found: dict[tuple[str, str], int] = {}
    for position, key in enumerate(zip(answers.origins, answers.labels, strict=True)):
        if key in wanted:
            found.setdefault(key, position)
    return [found.get((one.origin, one.label)) for one in mistakes]


def _thumbnail(split: Split, position: int) -> bytes | None:
    """Returns a small PNG of one row, with the pixels that the model sees; None if it is gone."""
    try:
        pixels = split.inputs.take(np.array([position], np.int64))[0]
    except (OSError, ModelwrightError):
        return None
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    image.thumbnail((_SIDE, _SIDE))
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()
