"""The figures of a stream study on a page: its charts and tables, and their words."""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.core.blocks import Note, Table
from modelwright.reporting import charts, stream_charts
from modelwright.reporting.charts import Dot, Said, Series
from modelwright.reporting.elements import Chart, Element, Points
from modelwright.reporting.stream_charts import Marks
from modelwright.reporting.words import EMPTY, Words, share, short
from modelwright.streams.statistics import MeanInterval
from modelwright.streams.stream_record import LOWER_BOUND, StrategyRecord, StreamRecord

_BOUNDS = (LOWER_BOUND, "joint")
_DRAWN = 40
_ROWS = 200
_STEPS = 100


def measured(record: StreamRecord) -> list[StrategyRecord]:
    """Returns the strategies that have figures."""
    return [one for one in record.strategies if one.cells and one.average]


def kept_figures(record: StreamRecord, t: Words) -> list[Element]:
    """Returns what each strategy keeps at the end, what it loses, and how to read that."""
    strategies = measured(record)
    if not strategies:
        return [Note(t("No cell was measured yet."))]
    content: list[Element] = [_final_chart(record, strategies, t)]
    decay = _decay_chart(strategies, t)
    content += [decay] if decay else [_gains(strategies, t)]
    if all(one.name != LOWER_BOUND for one in strategies):
        content.append(Note(t("naive was not measured, so nothing is compared with it.")))
    return [*content, Points(t("How to read them"), _reading(record, t))]


def curve_figures(record: StreamRecord, t: Words) -> list[Element]:
    """Returns macro-F1 after each step, a line for each strategy."""
    series = [Series(short(one.name), one.curve) for one in measured(record) if one.curve]
    if not series:
        return [Note(t("No cell was measured yet."))]
    alone = len(record.orders) == 1
    count = max(len(one.values) for one in series)
    names = [*record.orders[0], *map(str, range(len(record.orders[0]) + 1, count + 1))]
    names = names[:count] if alone else []
    last = t.join([f"{one.label} {share(one.values[-1])}" for one in series])
    said = Said(
        t("Macro-F1 over the domains learned so far, after each step"),
        t("After the last step: {values}.", values=last),
        t("across: steps; up: macro-F1 in %"),
    )
    rows = [
        (names[step] if names else step + 1,
         *(share(one.values[step]) if step < len(one.values) else EMPTY for one in series))
        for step in range(min(count, _STEPS))
    ]  # fmt: skip
    headers = (t("step"), *(one.label for one in series))
    table = Table(headers, rows, said.title)
    drawn = stream_charts.curves(series, said, [short(name) for name in names])
    return [Chart(drawn, said.title, said.description, table, folded=True)]


def loss_figures(record: StreamRecord, t: Words) -> list[Element]:
    """Returns what is lost of each domain until the end, a mark for each strategy."""
    strategies = [one for one in measured(record) if one.losses]
    names = list(dict.fromkeys(name for one in strategies for name in one.losses))
    if not names:
        return [Note(t("No cell was measured yet."))]
    lows = [(min(one.losses.values()), one) for one in strategies]
    low, worst = min(lows, key=lambda found: found[0])
    where = min(worst.losses, key=lambda name: worst.losses[name])
    told = t("No mean loses anything. Marks right of the line are gains.")
    if low < 0:
        told = t("The largest loss is {points} points: {strategy}, {domain}. Marks left of the line"
                 " are losses, marks right of it gains.", points=f"{-100 * low:.2f}",
                 strategy=short(worst.name), domain=short(where))  # fmt: skip
    said = Said(
        t("Change of each domain until the end"),
        told,
        t("points of macro-F1, at the end minus right after learning"),
    )  # fmt: skip
    rows = [
        (short(name), *(f"{100 * one.losses[name]:+.2f}" if name in one.losses else EMPTY
                        for one in strategies))
        for name in names[:_ROWS]
    ]  # fmt: skip
    table = Table((t("domain"), *(short(one.name) for one in strategies)), rows, said.title)
    shown = names[:_DRAWN]
    drawn = stream_charts.marks(
        shown, [Marks(short(one.name), one.losses) for one in strategies], said
    )
    content: list[Element] = [Chart(drawn, said.title, said.description, table, folded=True)]
    if len(names) > len(shown):
        content.append(Note(t("Only the first {shown} of {all} are drawn.", shown=len(shown),
                              all=len(names))))  # fmt: skip
    return content


def _final_chart(record: StreamRecord, strategies: Sequence[StrategyRecord], t: Words) -> Chart:
    dots = [dot for one in strategies if (dot := _dot(one.name, one.average))]
    best = max(dots, key=lambda dot: dot.value)
    told = t("The highest mean is {value}: {name}. Lines are 95 % intervals.",
             value=share(best.value), name=best.label)  # fmt: skip
    if bounds := [dot.label for dot in dots if not dot.main]:
        told = t.sentences(told, t("The bounds to compare others with have another color: {names}.",
                                   names=t.join(bounds)))  # fmt: skip
    said = Said(t("Macro-F1 at the end, mean over the domains"), told, t("macro-F1 in %"))
    planned = len(record.orders) * len(record.seeds)
    interval = t("95 % interval")
    headers = (t("strategy"), t("cells"), t("macro-F1"), interval, t("decay in points"), interval,
               t("decay less than naive"), interval)  # fmt: skip
    rows = [
        (short(one.name), f"{one.cells} / {planned}", share(_value(one.average)),
         _ends(one.average, t), _points(one.decay), _ends(one.decay, t),
         EMPTY if one.less_decay is None else f"{100 * one.less_decay.value:.0f} %",
         _ends(one.less_decay, t, digits=0))
        for one in strategies
    ]  # fmt: skip
    table = Table(headers, rows, t("What each strategy keeps"))
    return Chart(charts.dot_plot(dots, said), said.title, said.description, table)


def _decay_chart(strategies: Sequence[StrategyRecord], t: Words) -> Chart | None:
    dots = [dot for one in strategies if (dot := _dot(one.name, one.decay))]
    if not dots:
        return None
    best = min(dots, key=lambda dot: dot.value)
    said = Said(
        t("Decay until the end"),
        t("The lowest mean is {value} points: {name}. Lines are 95 % intervals; left of 0, more is"
          " gained than lost.", value=f"{100 * best.value:.2f}", name=best.label),
        t("decay in points of macro-F1"),
    )  # fmt: skip
    drawn = charts.dot_plot(dots, said, (-1.0, 1.0))
    return Chart(drawn, said.title, said.description, _gains(strategies, t))


def _gains(strategies: Sequence[StrategyRecord], t: Words) -> Table:
    interval = t("95 % interval")
    headers = (t("strategy"), t("points above naive"), interval, t("when learned"),
               t("forgetting"), interval, t("backward transfer"), t("forward transfer"),
               t("accuracy"))  # fmt: skip
    rows = [
        (short(one.name), _signed(one.difference), _ends(one.difference, t),
         share(_value(one.learned)), _points(one.forgetting), _ends(one.forgetting, t),
         _signed(one.backward), _signed(one.forward), share(_value(one.accuracy)))
        for one in strategies
    ]  # fmt: skip
    return Table(headers, rows, t("What each strategy gains and forgets"))


def _reading(record: StreamRecord, t: Words) -> list[str]:
    orders = len(record.orders)
    if orders > 1:
        unit = t("95 % intervals: Student's t over {number} orders, whose seeds are averaged.",
                 number=orders)  # fmt: skip
    else:
        unit = t("95 % intervals: Student's t over {number} seeds.", number=len(record.seeds))
    fieller = t("The interval of the share by which decay is less than that of naive is Fieller's"
                " (1954); there is none where the decay of naive may be zero.")  # fmt: skip
    classes = t("In a stream of classes, the classes of one step are a domain.")
    return [
        *([classes] if record.classes is not None else []),
        t("Macro-F1: mean over all domains at the end, each on its own test rows."),
        t("Decay: macro-F1 right after a domain was learned minus that at the end; mean over all"
          " domains but the last. Backward transfer is the same with the other sign."),
        t("Decay less than naive: by which share the decay is below that of going on training with"
          " the new rows alone. It is over 100 % where something is gained."),
        t("Forgetting: the best macro-F1 before the last step minus that at the end (Chaudhry et"
          " al. 2018). Forward transfer: macro-F1 right before a domain is learned minus that of"
          " its most frequent class (Lopez-Paz and Ranzato 2017)."),
        t("A strategy that learns little has little to lose: read decay with macro-F1."),
        t.sentences(unit, fieller),
    ]  # fmt: skip


def _dot(name: str, value: MeanInterval | None) -> Dot | None:
    if value is None:
        return None
    return Dot(short(name), value.value, value.low, value.high, main=name not in _BOUNDS)


def _value(value: MeanInterval | None) -> float | None:
    return None if value is None else value.value


def _points(value: MeanInterval | None) -> str:
    return EMPTY if value is None else f"{100 * value.value:.2f}"


def _signed(value: MeanInterval | None) -> str:
    return EMPTY if value is None else f"{100 * value.value:+.2f}"


def _ends(value: MeanInterval | None, t: Words, digits: int = 2) -> str:
    if value is None or value.low is None or value.high is None:
        return EMPTY
    low, high = (f"{100 * end:.{digits}f}" for end in (value.low, value.high))
    return t("{low} to {high}", low=low, high=high)
