"""Print the recipes' tables [[measured]] from the studies in results/, so that nobody types them.

With --write they take the place of those in the recipes' files. Older
tables without a study stay only where no study has measured the same data with the recipe. A
variant with other settings of training than its recipe's says nothing of the recipe and is left
out.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from pathlib import Path
from typing import Any

from modelwright.core.files import write_text
from modelwright.publish import kept_studies
from modelwright.recipes import measured

RESULTS = Path(__file__).parent / "results"
RECIPES = Path(__file__).parents[1] / "src" / "modelwright" / "recipes"
_BEGIN = "[[measured]]"


def main() -> None:
    """Be the script."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=RESULTS, help="where studies are kept")
    parser.add_argument("--recipes", type=Path, default=RECIPES, help="where the recipes are")
    parser.add_argument("--write", action="store_true", help="write them into the recipes' files")
    given = parser.parse_args()
    for name, entries in sorted(collect(given.results).items()):
        path = given.recipes / f"{name}.toml"
        if given.write:
            write_text(path, replaced(path.read_text("utf-8"), entries))
            print(f"{path.name}: {len(entries)} from studies")
        else:
            print(f"# {path.name}\n\n{blocks(entries)}")


def collect(results: Path) -> dict[str, list[dict[str, Any]]]:
    """Recipe to its tables, of every kept study."""
    found: dict[str, list[dict[str, Any]]] = {}
    for study in filter(None, map(kept_studies.read, sorted(results.glob("*.json")))):
        for recipe, entry in kept_studies.entries(study):
            measured.read(entry, recipe)
            found.setdefault(recipe, []).append(entry)
    return found


def replaced(text: str, entries: list[dict[str, Any]]) -> str:
    """A recipe's file with these tables, and the older ones of other data."""
    named = {entry["data"] for entry in entries}
    older = [
        entry
        for entry in tomllib.loads(text).get("measured", ())
        if "study" not in entry and entry["data"] not in named
    ]
    return f"{text.partition(_BEGIN)[0].rstrip()}\n\n{blocks([*older, *entries])}"


def blocks(entries: list[dict[str, Any]]) -> str:
    """The tables as TOML."""
    tables = (
        "\n".join([_BEGIN, *(f"{key} = {_value(value)}" for key, value in entry.items())])
        for entry in entries
    )
    return "\n\n".join(tables) + "\n"


def _value(value: Any) -> str:
    """A value in TOML, a table on one line."""
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{json.dumps(k)} = {_value(v)}' for k, v in value.items())} }}"
    # TOML's strings, numbers, lists and booleans are written as JSON's.
    return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    main()
