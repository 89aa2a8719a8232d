"""What a search ends with: the best settings as a recipe file, and the study that measures them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

import tomli_w

from modelwright.core.errors import ConfigError
from modelwright.core.files import write_text
from modelwright.recipes.resolve import flatten_settings, merge_tables, nest_setting
from modelwright.tuning.search_folder import BEST, CHECK, SearchFolder
from modelwright.tuning.search_plan import SearchPlan
from modelwright.tuning.trial_record import TrialRecord

_SEEDS = (0, 1, 2)


def write_best_files(plan: SearchPlan, folder: SearchFolder, best: Sequence[TrialRecord]) -> None:
    """Writes ``best.toml`` and ``search-check.toml``, or deletes one that has no content.

    Args:
        plan: the search.
        folder: its folder.
        best: the best trials, best first.
    """
    for name, content in ((BEST, _best_file), (CHECK, _check_file)):
        path = folder.path / name
        if best and (text := content(plan, folder, best)):
            write_text(path, text)
        else:
            path.unlink(missing_ok=True)


def _best_file(plan: SearchPlan, folder: SearchFolder, best: Sequence[TrialRecord]) -> str:
    """Returns the recipe file of the best trial: the base with its settings."""
    first = best[0]
    head = (
        f"# Trial {first.number} of the search {plan.name}: {plan.search.objective}"
        f" {first.objective:.4f} on the validation rows that chose it.\n"
        f"# Measure it on test rows: modelwright compare {_check_path(folder)}\n\n"
    )
    return head + tomli_w.dumps(plan.tables(first.values))


def _check_file(plan: SearchPlan, folder: SearchFolder, best: Sequence[TrialRecord]) -> str:
    """Returns the study of the best trials and the settings that the search began from.

    If no best trial has other settings than those, there is nothing to compare, and it is empty.
    """
    base, known = _without_seed(plan.base), [plan.config]
    variants: list[dict[str, Any]] = [{"name": "before the search"}]
    for one in best:
        try:
            config = plan.trial_config(one.values)
        except ConfigError:
            continue
        if config not in known:
            known.append(config)
            variants.append({"name": f"trial {one.number}", "set": dict(one.values)})
    if len(variants) == 1:
        return ""
    head = (
        "# Compares the best settings of a search with those before it, on test rows that it never"
        " saw:\n"
        f"# modelwright compare {_check_path(folder)}\n\n"
    )
    study = {"name": f"{plan.name}-check"[:64], "seeds": list(_SEEDS), "split": "test"}
    return head + tomli_w.dumps({**study, "base": base, "variants": variants})


def _check_path(folder: SearchFolder) -> str:
    """Returns the path of the study as a shell takes it."""
    return shlex.quote((folder.path / CHECK).as_posix())


def _without_seed(base: Any) -> dict[str, Any]:
    """Returns the base without a random seed, because the study sets its own."""
    kept = ((key, value) for key, value in flatten_settings(base) if key != "train.seed")
    return merge_tables({}, *(nest_setting(key, value) for key, value in kept))
