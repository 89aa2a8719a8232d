"""How often an epoch goes over few rows, and that whole sets are trained as before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelwright.core.config import TrainConfig
from modelwright.recipes.recipe import read_recipe, recipe_names
from modelwright.recipes.resolve import resolve_config
from modelwright.training.early_stopping import choice_note, early_stopping
from modelwright.training.epoch_plan import EpochPlan, epoch_plan_note, plan_epochs

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
DOCS = Path(__file__).parents[2] / "docs"
CIFAR10 = {"train": 45_000, "val": 5_000, "test": 10_000}
BY_STEPS = [name for name in recipe_names() if read_recipe(name).train.get("min_steps")]


def published_rows() -> list[tuple[str, dict[str, int]]]:
    """Returns each published training's recipe and its rows by split."""
    found = [("cnn", CIFAR10)]  # published without a study
    for file in sorted(RESULTS.glob("*.json")):
        record = json.loads(file.read_text("utf-8"))
        if record.get("kind") == "study":
            for variant in record["variants"]:
                found += [(variant["recipe"], run["splits"]) for run in variant["runs"][:1]]
    return found


def train_table(recipe: str, **own: object) -> TrainConfig:
    tables = {"data": {"source": "rows.csv"}, "model": {"recipe": recipe}, "train": own}
    return resolve_config(options=tables).train


def test_recipes_that_train_by_steps_state_how_many_they_need() -> None:
    names = {"cnn", "cnn-tutorial", "cifar-fast", "cifar-best"}
    names |= {"bilstm", "bilstm-tutorial", "textcnn", "text-best"}
    assert names <= set(BY_STEPS)
    assert all(read_recipe(name).train["min_val_rows"] for name in names)


@pytest.mark.parametrize(("recipe", "rows"), published_rows())
def test_whole_sets_are_trained_as_without_these_settings(
    recipe: str, rows: dict[str, int]
) -> None:
    train = train_table(recipe)
    plan = plan_epochs(train, rows["train"])
    assert plan == EpochPlan(rows["train"], 1, train.batch_size)
    assert plan.steps == -(-rows["train"] // train.batch_size)
    assert epoch_plan_note(plan, train) == ""
    assert not rows.get("val") or early_stopping(train, rows["val"]).chooses


@pytest.mark.parametrize("recipe", BY_STEPS)
@pytest.mark.parametrize("rows", [3, 36, 180, 900])
def test_a_recipe_takes_its_steps_with_any_number_of_rows(recipe: str, rows: int) -> None:
    train = train_table(recipe)
    plan = plan_epochs(train, rows)
    assert plan.steps * train.epochs >= train.min_steps
    assert plan.passes == 1 or (plan.passes - 1) * plan.pass_steps * train.epochs < train.min_steps
    assert plan.batch_size <= train.batch_size
    smallest = rows - (plan.pass_steps - 1) * plan.batch_size
    assert smallest > plan.batch_size - plan.pass_steps, "batches of a pass have equal sizes"


@pytest.mark.parametrize(
    ("rows", "plan"),
    [
        (9, EpochPlan(rows=9, passes=15, batch_size=9)),
        (180, EpochPlan(rows=180, passes=3, batch_size=30)),
        (900, EpochPlan(rows=900, passes=1, batch_size=57)),
        (1920, EpochPlan(rows=1920, passes=1, batch_size=128)),
    ],
)
def test_a_batch_of_few_rows_is_at_most_a_sixteenth_of_them(rows: int, plan: EpochPlan) -> None:
    assert plan_epochs(TrainConfig(epochs=40, batch_size=128, min_steps=600), rows) == plan


def test_the_note_has_the_figures() -> None:
    train = TrainConfig(epochs=40, batch_size=128, min_steps=600)
    assert epoch_plan_note(plan_epochs(train, 180), train) == (
        "180 training rows are 6 steps of 30 rows, and each epoch goes over them 3 times: 720 steps"
        " in 40 epochs (train.min_steps=600; 0 goes over them once in batches of 128)"
    )
    assert "9 training rows are 1 step of 9" in epoch_plan_note(plan_epochs(train, 9), train)
    assert "goes over them once: 640 steps" in epoch_plan_note(plan_epochs(train, 900), train)
    assert epoch_plan_note(plan_epochs(train, 1920), train) == ""


def test_own_epochs_patience_or_monitor_put_the_minimums_of_a_recipe_out_of_force() -> None:
    recipe = train_table("cnn")
    assert train_table("cnn", epochs=3).min_steps == 0
    assert train_table("cnn", epochs=3).min_val_rows == recipe.min_val_rows > 0
    assert train_table("cnn", epochs=3, min_steps=50).min_steps == 50
    assert train_table("cnn", patience=2).min_val_rows == 0
    assert train_table("cnn", monitor="val_loss").min_val_rows == 0
    assert train_table("cnn", patience=2, min_val_rows=7).min_val_rows == 7
    assert train_table("cnn", patience=2).min_steps == recipe.min_steps > 0


def test_with_too_few_validation_rows_the_last_epoch_counts_and_nothing_stops_early() -> None:
    train = TrainConfig(epochs=9, patience=1, min_val_rows=50)
    history = [{"val_loss": loss, "loss": loss} for loss in (1.0, 0.1, 2.0, 3.0)]
    for rows, best in ((49, 3), (0, 3), (50, 1)):
        rule = early_stopping(train, rows)
        assert rule.best(history) == best
        assert rule.exhausted(history) == (rows == 50)
    assert early_stopping(TrainConfig(), 0).best(history) == 1, "the training rows choose"
    assert choice_note(train, 50) == choice_note(TrainConfig(), 0) == ""
    assert choice_note(train, 0).startswith("there are no validation rows")
    assert choice_note(train, 49).startswith(
        "49 validation rows are too few to choose an epoch by, so the last of 9 is taken"
    )


@pytest.mark.parametrize("page", ["training.md", "zh/training.md"])
def test_the_pages_on_few_rows_quote_the_notes_as_they_are(page: str) -> None:
    train = train_table("cnn")
    plan = plan_epochs(train, 180)
    text = " ".join((DOCS / page).read_text("utf-8").split())
    for note in (epoch_plan_note(plan, train), choice_note(train, 20)):
        assert note
        assert f"note {note}" in text
