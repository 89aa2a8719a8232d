"""How often the gate of an update errs where the truth is known, and what an update takes.

A text-fast model of two categories of Chinese reviews meets new rows of five kinds: useful ones of
another category, useless ones like its own, poisoned ones with half of the labels flipped, rows of
one class, and useful ones that are learned in a way that forgets. Each kind learns once. The truth
is its change on a large pool of held-out rows; the gate then sees draws from that pool, as many as
an update has. A draw that passes although the truth is no gain, or a larger drop, is a false pass;
one that is refused although the truth would pass is a false refusal. The processor seconds of one
update of 10,000 rows by 1,000 are compared with training anew on all of them.
"""

from __future__ import annotations

import csv
import os
import tempfile
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness import Figures, Option, print_table, run_benchmark, train
from modelwright.learning.strategy import Needs

_OLD, _NEW = ("书籍", "水果"), ("酒店",)
_TIMED = {"text-fast": ("counts", "replay"), "bilstm": ("head", "closed-form", "replay")}
_KINDS = ("useful", "useless", "poisoned", "one class", "forgetful")
OPTIONS = {
    "chinese": Option("", "", "online_shopping_10_cats.csv", local=True),
    "rows": Option(10_000, 1_200, "rows of the model; three in ten are held out"),
    "new_rows": Option(1_000, 200, "new rows of an update"),
    "pool": Option(5_000, 300, "new rows from which held-out rows are drawn"),
    "draws": Option(50, 10, "simulated updates of each kind"),
    "drops": Option([0.5, 1.0, 2.0], [1.0], "values of --max-drop", many=True),
    "parts": Option(["gate", "seconds"], ["gate", "seconds"], "what is measured", many=True),
    "recipes": Option(["text-fast", "bilstm"], ["text-fast"], "recipes that are timed", many=True),
}


class Forgetful:
    """Solves the network anew for the new rows alone, whatever it knew."""

    name = "forgetful"
    summary = "forgets on purpose"
    needs: Needs = "new"
    cost = 1.0

    def unfit(self, model: Any) -> str:
        """Returns nothing: the network of this benchmark is solved."""
        return ""

    def learn(self, lesson: Any) -> None:
        """Forgets the old rows."""
        from modelwright.learning.solved import solve_again

        solve_again(lesson, lesson.new)

    def remember(self, lesson: Any) -> dict[str, Any]:
        """Returns nothing to remember."""
        return {}


def read_reviews(path: str, categories: Sequence[str], seed: int) -> list[tuple[str, str]]:
    """Returns (text, label) rows of some categories in random order."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        found = [
            (row["text"], row["label"])
            for row in csv.DictReader(file)
            if row["category"] in categories and row["text"].strip()
        ]
    order = np.random.default_rng(seed).permutation(len(found))
    return [found[at] for at in order]


def write_rows(path: Path, rows: Sequence[tuple[str, str]], splits: Sequence[str] = ()) -> str:
    """Writes rows as CSV, with their splits if there are any."""
    header = ("text", "label", "split")[: 3 if splits else 2]
    lines = [(*row, split) for row, split in zip(rows, splits, strict=True)] if splits else rows
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *lines])
    return str(path)


def new_rows(kind: str, values: Namespace, seed: int) -> list[tuple[str, str]]:
    """Returns the rows of one kind that train, then the pool of those that are held out."""
    count = values.new_rows + values.pool
    if kind == "useless":
        found = read_reviews(values.chinese, _OLD, 0)[values.rows :][:count]
    else:
        found = read_reviews(values.chinese, _NEW, 0)[:count]
    if kind == "one class":
        return [row for row in found if row[1] == "neg"]
    if kind == "poisoned":
        other = {"pos": "neg", "neg": "pos"}
        flipped = np.random.default_rng(seed).random(len(found)) < 0.5
        return [
            (text, other[label] if flip else label)
            for (text, label), flip in zip(found, flipped.tolist(), strict=True)
        ]
    return found


def learn(kind: str, run: Path, values: Namespace, folder: Path) -> Figures:
    """Returns the labels and the answers before and after, of old and new held-out rows."""
    from modelwright.learning.registry import find_strategy
    from modelwright.updating.base_model import find_base
    from modelwright.updating.classroom import Classroom
    from modelwright.updating.new_rows import read_new_rows
    from modelwright.updating.old_rows import find_old_rows
    from modelwright.updating.settings import resolve_update
    from modelwright.updating.tokens import choose_vocabulary

    rows = new_rows(kind, values, 1)
    taught = values.new_rows if kind != "one class" else min(values.new_rows, len(rows) // 2)
    splits = ["train"] * taught + ["test"] * (len(rows) - taught)
    path = write_rows(folder / f"{kind}.csv", rows, splits)
    base, settings = find_base(run), resolve_update("replay")
    old = find_old_rows(base, settings)
    new = read_new_rows(base, path, old, settings, 2)
    if new.refusal:
        return {"refusal": new.refusal}
    tokens = choose_vocabulary(base, new.stored.of_side(0).rows(None), folder / "vocabulary.txt")
    room = Classroom(base, old, new, tokens, folder / "vocabulary.txt", settings)
    strategy = Forgetful() if kind == "forgetful" else find_strategy("replay")
    found = room.attempt(strategy, folder / kind)
    if found.problem:
        raise SystemExit(f"{kind}: {found.problem}")
    return {
        side: (
            room.labels_of(f"{side}-test"),
            room.before[f"{side}-test"].argmax(axis=1),
            found.answers[f"{side}-test"].argmax(axis=1),
        )
        for side in ("old", "new")
    }


def simulate(kind: str, answers: Figures, values: Namespace) -> list[Figures]:
    """Returns how the gate judges draws of held-out rows, for each allowed drop.

    Poisoned rows should never pass, whatever their wrong labels measure.
    """
    from modelwright.updating.gate import Limits, compare_answers, judge

    if "refusal" in answers:
        return [
            {"drop": drop, "should_pass": False, "passed": 0, "draws": values.draws}
            for drop in map(float, values.drops)
        ]
    truth = {side: compare_answers(*answers[side]) for side in ("old", "new")}
    random = np.random.default_rng(0)
    found = []
    drawn = []
    for _ in range(values.draws):
        changes = {}
        sizes = {"old": len(answers["old"][0]), "new": max(1, int(0.3 * values.new_rows))}
        for side, size in sizes.items():
            rows = random.integers(0, len(answers[side][0]), size)
            changes[side] = compare_answers(*(one[rows] for one in answers[side]))
        drawn.append(changes)
    for drop in map(float, values.drops):
        limits = Limits(drop, 100.0)
        passed = sum(judge(one["old"], one["new"], limits, ("neg", "pos")).passed for one in drawn)
        should = (
            kind != "poisoned"
            and truth["new"].difference > 0
            and -100 * truth["old"].difference <= drop
        )
        found.append(
            {
                "drop": drop,
                "old": 100 * truth["old"].difference,
                "new": 100 * truth["new"].difference,
                "should_pass": bool(should),
                "passed": int(passed),
                "draws": values.draws,
            }
        )
    return found


def time_updates(recipe: str, values: Namespace, folder: Path) -> Figures:
    """Returns the processor seconds of an update by each strategy, and of a training on all rows.

    They are medians, without the import of TensorFlow. The update after one by ``counts`` has the
    counts of the rows before in its memory.
    """
    import modelwright

    old = read_reviews(values.chinese, _OLD, 0)[: values.rows]
    new = new_rows("useful", values, 1)
    path = write_rows(folder / "timed.csv", new[: values.new_rows])
    after = write_rows(folder / "after.csv", new[values.new_rows : 2 * values.new_rows])
    both = write_rows(folder / "both.csv", [*old, *new[: values.new_rows]])
    run = folder / recipe
    _train(recipe, write_rows(folder / "old.csv", old), run)
    seconds: dict[str, Any] = {}
    for name in _TIMED[recipe]:
        seconds[name] = _time_update(run, path, name, values)
    if "counts" in seconds:
        report = modelwright.update(
            run, path, strategy="counts", max_drop=100.0, max_class_drop=100.0
        )
        if report.path is not None:
            seconds["counts again"] = _time_update(report.path, after, "counts", values)
    spent = []
    for number in range(values.rounds):
        started = _processor_seconds()
        _train(recipe, both, folder / f"{recipe}-anew-{number}")
        spent.append(_processor_seconds() - started)
    seconds["training anew"] = {"whole": float(np.median(spent))}
    return seconds


def _time_update(run: Path, path: str, name: str, values: Namespace) -> Figures:
    """Returns the medians of dry runs of one strategy."""
    import modelwright
    from modelwright.updating.classroom import Classroom

    learning, whole, outcome = [], [], ""
    attempt = Classroom.attempt

    def timed(self: Classroom, strategy: Any, folder: Path) -> Any:
        started = _processor_seconds()
        found = attempt(self, strategy, folder)
        learning.append(_processor_seconds() - started)
        return found

    Classroom.attempt = timed  # type: ignore[method-assign]
    try:
        for _ in range(values.rounds):
            started = _processor_seconds()
            report = modelwright.update(run, path, strategy=name, dry_run=True)
            whole.append(_processor_seconds() - started)
            outcome = report.candidates[0].reason or "passed"
    finally:
        Classroom.attempt = attempt  # type: ignore[method-assign]
    medians = {"whole": float(np.median(whole)), "learning": float(np.median(learning))}
    return {**medians, "outcome": outcome}


def _processor_seconds() -> float:
    """Returns the processor seconds of this process and of its children that have ended."""
    import resource

    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _train(recipe: str, source: str, out: Path) -> None:
    train(data={"source": source, "test": 0.3}, model={"recipe": recipe}, out=out)


def compare(values: Namespace) -> Figures:
    """Simulates updates of all kinds, times some, and prints both tables."""
    from modelwright.core.terminal import shorten

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    runs: list[Figures] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        rows = read_reviews(values.chinese, _OLD, 0)[: values.rows]
        run = folder / "run"
        _train("text-fast", write_rows(folder / "old.csv", rows), run)
        for kind in _KINDS if "gate" in values.parts else ():
            answers = learn(kind, run, values, folder)
            for figures in simulate(kind, answers, values):
                runs.append({"kind": kind, **figures})
                print(runs[-1], flush=True)
        timed = values.recipes if "seconds" in values.parts else ()
        seconds = {recipe: time_updates(recipe, values, folder) for recipe in timed}
    table = [
        (
            one["kind"],
            f"{one['drop']:g}",
            *(f"{one[side]:+.2f}" if side in one else "refused" for side in ("old", "new")),
            "pass" if one["should_pass"] else "refuse",
            f"{one['passed']} of {one['draws']}",
        )
        for one in runs
    ]
    headers = ("kind", "max drop", "old points", "new points", "truth", "passed")
    print_table("simulated updates", headers, table)
    wrong = {
        "false_passes": sum(one["passed"] for one in runs if not one["should_pass"]),
        "false_refusals": sum(one["draws"] - one["passed"] for one in runs if one["should_pass"]),
        "updates": sum(one["draws"] for one in runs),
    }
    print(wrong, flush=True)
    for recipe, found in seconds.items():
        shown = [
            (
                name,
                f"{one['whole']:.1f}",
                f"{one['learning']:.1f}" if "learning" in one else "",
                shorten(one.get("outcome", "")),
            )
            for name, one in found.items()
        ]
        print_table(f"seconds, {recipe}", ("", "whole", "learning", "outcome"), shown)
    return {"runs": runs, "seconds": seconds, **wrong}


def _no_child(**_: Any) -> Figures:
    raise SystemExit("this benchmark measures in its own process")


if __name__ == "__main__":
    run_benchmark(__file__, __doc__, OPTIONS, compare=compare, measure=_no_child)
