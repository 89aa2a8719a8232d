"""Slices of the measured rows, and the worst mistakes among them."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image

from modelwright.core.blocks import Note, Table
from modelwright.core.errors import ModelwrightError
from modelwright.core.types import FloatArray, Split
from modelwright.explaining.explanation import DrawnImage, Explanation
from modelwright.plots.explanation import overlay
from modelwright.reporting import charts
from modelwright.reporting.charts import Dot, Said
from modelwright.reporting.elements import Chart, Element, Gallery, ImageCard, Section
from modelwright.reporting.evaluation_record import Evaluation, MistakeRecord
from modelwright.reporting.limits import Limits
from modelwright.reporting.marked_text import marked_text
from modelwright.reporting.mistake_explanations import MistakeExplanations, positions_of
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
_NOT_EXPLAINED = MistakeExplanations()
_MARKS = (
    "Solid underlines mark what speaks for the predicted label, dashed ones what speaks against it;"
    " the numbers are log-odds. The servable answered, and the method is {method}."
)
_HEAT = (
    "Right of each image: blue cells speak for the predicted label, orange ones against it. The"
    " servable answered, and the method is {method}."
)
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
    if subject.task == "text" and "slices" in evaluation.record.left_out:
        content.append(Note(t("The negation check was left out, as in each trial of a search or a"
                              " comparison. modelwright evaluate makes it.")))  # fmt: skip
    elif subject.task == "text" and not evaluation.record.slices:
        content.append(Note(t("There is no negation check. It is made for two labels whose names"
                              " mean praise and blame, in English and Chinese.")))  # fmt: skip
    return Section("slices", t("Slices"), content)


def mistakes_section(
    subject: Subject, limits: Limits, t: Words, why: MistakeExplanations = _NOT_EXPLAINED
) -> Section | None:
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
        cards = list(_cards(evaluation, subject, why, limits, t)) if limits.images else []
        if cards:
            if why.found:
                content.append(Note(t(_HEAT, method=why.method)))
            content.append(Gallery(cards))
        else:
            content.append(Note(t("The images are not shown: the data cannot be read now, or the"
                                  " page would be too large.")))  # fmt: skip
    texts = subject.task == "text"
    if why.missing is not None:
        text, fields = why.missing
        content.append(Note(t(text, **fields)))
    elif texts and why.found:
        content.append(Note(t(_MARKS, method=why.method)))
    headers = [t("text") if texts else t("image"), t("label"), t("predicted"), t("probability")]
    rows = [
        [_shown(one, why.found.get(at), limits, t), short(one.label), short(one.predicted),
         f"{one.probability:.3f}", *([short(one.origin)] if texts else [])]
        for at, one in enumerate(mistakes)
    ]  # fmt: skip
    if texts:
        headers.append(t("row"))
    caption = t("Worst mistakes, {rows}", rows=t.evaluated(evaluation.name))
    content.append(Table(headers, rows, caption))
    return Section("mistakes", title, content)


def _shown(one: MistakeRecord, why: Explanation | None, limits: Limits, t: Words) -> str:
    """Returns the text of a mistake, with its marks if it is explained, or the name of an image."""
    if one.text is None:
        return short(one.origin, limits.text)
    return (
        short(one.text, limits.text) if why is None else marked_text(one.text, why, limits.text, t)
    )


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
    evaluation: Evaluation, subject: Subject, why: MistakeExplanations, limits: Limits, t: Words
) -> Iterator[ImageCard]:
    split = measured_rows(evaluation, subject.rows)
    if split is None or isinstance(evaluation.answers, str):
        return
    mistakes = evaluation.record.mistakes[: limits.mistakes]
    places = positions_of(evaluation.answers, mistakes)
    for at, (one, position) in enumerate(zip(mistakes, places, strict=True)):
        explained = why.found.get(at)
        drawn = explained.drawn if explained else None
        small = thumbnail(split, position, drawn) if position is not None else None
        if small:
            words = t("{label}, taken for {predicted}", label=short(one.label, 30),
                      predicted=short(one.predicted, 30))  # fmt: skip
            yield ImageCard(small, "image/png", f"{words} ({100 * one.probability:.1f}\u00a0%)")


def thumbnail(split: Split, position: int, drawn: DrawnImage | None = None) -> bytes | None:
    """Returns a small PNG of one row, next to its heat map if it has one; None if it is gone.

    It has the pixels that the model sees. The heat map lies over the same pixels in gray.
    """
    try:
        pixels = split.inputs.take(np.array([position], np.int64))[0]
    except (OSError, ModelwrightError):
        return None
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    image.thumbnail((_SIDE, _SIDE))
    if drawn is not None:
        image = _with_heat(image.convert("RGB"), drawn.heat)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


def _with_heat(image: Image.Image, heat: FloatArray) -> Image.Image:
    heated = overlay(np.asarray(image, np.uint8), heat)
    gap = max(1, image.width // 16)
    pair = Image.new("RGB", (2 * image.width + gap, image.height), "white")
    pair.paste(image, (0, 0))
    pair.paste(Image.fromarray(heated), (image.width + gap, 0))
    return pair
