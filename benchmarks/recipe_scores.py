"""Print the recipes' tables [[measured]] from the studies in results/.

With --write they replace the tables in the recipes' files. Older tables without a study stay only
if no study has measured the recipe on the same data. A variant with other settings of training
than its recipe says nothing about the recipe and is left out.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from pathlib import Path
from typing import Any

from modelwright.core.files import write_text
from modelwright.publish.recipe_scores import scores_of_study
from modelwright.recipes.measured_score import check_measured_score
from modelwright.studies.study_record import read_study_record

RESULTS = Path(__file__).parent / "results"
RECIPES = Path(__file__).parents[1] / "src" / "modelwright" / "recipes"
_HEADER = "[[measured]]"


def main() -> None:
    """Prints or writes the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the studies' JSON")
    parser.add_argument("--recipes", type=Path, default=RECIPES, help="folder of the recipes")
    parser.add_argument("--write", action="store_true", help="write them into the recipes' files")
    options = parser.parse_args()
    for name, scores in sorted(collect_scores(options.results).items()):
        path = options.recipes / f"{name}.toml"
        if options.write:
            write_text(path, replace_scores(path.read_text("utf-8"), scores))
            print(f"{path.name}: {len(scores)} from studies")
        else:
            print(f"# {path.name}\n\n{scores_toml(scores)}")


def collect_scores(results: Path) -> dict[str, list[dict[str, Any]]]:
    """Returns the tables of each recipe, from all studies in a folder."""
    scores: dict[str, list[dict[str, Any]]] = {}
    for study in filter(None, map(read_study_record, sorted(results.glob("*.json")))):
        for recipe, score in scores_of_study(study):
            check_measured_score(score, recipe)
            scores.setdefault(recipe, []).append(score)
    return scores


def replace_scores(text: str, scores: list[dict[str, Any]]) -> str:
    """Returns a recipe's file with these tables and the older ones for other data."""
    measured = {score["data"] for score in scores}
    older = [
        score
        for score in tomllib.loads(text).get("measured", ())
        if "study" not in score and score["data"] not in measured
    ]
    return f"{text.partition(_HEADER)[0].rstrip()}\n\n{scores_toml([*older, *scores])}"


def scores_toml(scores: list[dict[str, Any]]) -> str:
    """Returns the tables as TOML."""
    tables = (
        "\n".join([_HEADER, *(f"{key} = {_value(value)}" for key, value in score.items())])
        for score in scores
    )
    return "\n\n".join(tables) + "\n"


def _value(value: Any) -> str:
    """Returns a value in TOML; a table takes one line."""
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{json.dumps(k)} = {_value(v)}' for k, v in value.items())} }}"
    # TOML writes texts, numbers, lists and booleans as JSON does.
    return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    main()
