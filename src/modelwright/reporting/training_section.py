"""The training: its curves, how its epoch was chosen, and its settings."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from modelwright.core.blocks import Facts, Note, Table
from modelwright.core.config import setting
from modelwright.reporting import charts
from modelwright.reporting.charts import Said, Series
from modelwright.reporting.elements import Chart, Element, Section
from modelwright.reporting.subject import Subject
from modelwright.reporting.words import EMPTY, Words, count, share
from modelwright.runs.settings import chosen_settings

_CURVES = {"accuracy": "Accuracy of each epoch", "loss": "Loss of each epoch"}


def training_section(subject: Subject, t: Words) -> Section:
    """Returns the curves, the facts and the settings of the training."""
    content: list[Element] = [Facts(t("The training"), list(_facts(subject, t)))]
    history = subject.files.history
    epochs = max((len(values) for values in history.values()), default=0)
    if subject.run is None:
        content.append(
            Note(
                t(
                    "The run is not here, so there are no training curves: they are not in the"
                    " servable."
                )
            )
        )
    elif epochs == 0:
        content.append(Note(t("There are no training curves: no epoch has ended.")))
    elif epochs == 1:
        content.append(Note(t("There are no training curves: the training had one epoch.")))
    else:
        content += [chart for key in _CURVES if (chart := _curve(key, history, _best(subject), t))]
    settings = [(key, setting(value)) for key, value in chosen_settings(subject.config).items()]
    if settings:
        title = t("Settings other than the defaults")
        content.append(Table((t("setting"), t("value")), settings, title))
    return Section("training", t("Training"), content)


def _facts(subject: Subject, t: Words) -> Iterator[tuple[str, object]]:
    metrics, run = subject.metrics, subject.run.run if subject.run else None
    if subject.run:
        yield t("status"), t.status(subject.run.status)
    if "epochs" in metrics:
        chosen = metrics.get("epoch_chosen", True)
        words = "{epochs}, the best was number {best}" if chosen else "{epochs}, the last was taken"
        yield t("epochs"), t(words, epochs=metrics["epochs"], best=metrics["best_epoch"])
    if metrics.get("seconds") is not None:
        yield t("seconds"), f"{metrics['seconds']:,.1f}"
    if run and run.solution:
        choice = (f"{key}={value}" for key, value in run.solution["choice"].items())
        yield t("found by a solver"), ", ".join(choice)
    if (value := metrics.get("train_accuracy")) is not None:
        yield t("training accuracy"), share(value)
    if (value := metrics.get("val_accuracy")) is not None:
        yield t("validation accuracy"), share(value)
    if (value := metrics.get("cross_validated_accuracy")) is not None:
        yield t("cross-validated accuracy of training rows"), share(value)
    if "parameters" in metrics:
        yield t("parameters"), count(metrics["parameters"])
    yield t("random seed"), str(subject.config.train.seed)
    if run and run.precision:
        yield t("numeric precision"), run.precision.get("policy", "")


def _best(subject: Subject) -> int | None:
    metrics = subject.metrics
    best = metrics.get("best_epoch")
    return best if metrics.get("epoch_chosen", True) and isinstance(best, int) else None


def _curve(
    key: str, history: Mapping[str, tuple[float, ...]], best: int | None, t: Words
) -> Chart | None:
    names = {key: t("training"), f"val_{key}": t("validation")}
    series = [
        Series(label, history[column]) for column, label in names.items() if column in history
    ]
    if not any(math.isfinite(value) for one in series for value in one.values):
        return None
    shown = share if key == "accuracy" else _loss
    ends = t.join([f"{one.label} {shown(_last(one))}" for one in series])
    words = t("After the last epoch: {values}.", values=ends)
    if best is not None:
        words = t.sentences(
            words, t("The dotted line is epoch {best}, whose weights are kept.", best=best)
        )
    if not all(math.isfinite(value) for one in series for value in one.values):
        words = t.sentences(words, t("Values that are not finite are left out of the drawing."))
    said = Said(t(_CURVES[key]), words, t("epoch"))
    rows = [
        (number, *(shown(value) for value in values))
        for number, values in enumerate(zip(*(one.values for one in series), strict=False), 1)
    ]
    table = Table((t("epoch"), *(one.label for one in series)), rows, said.title)
    return Chart(charts.lines(series, said, best=best), said.title, words, table, folded=True)


def _last(series: Series) -> float:
    return series.values[-1]


def _loss(value: float) -> str:
    return f"{value:.4f}" if math.isfinite(value) else EMPTY
