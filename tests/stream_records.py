"""Makes the content of ``stream.json`` for tests, without any training."""

from __future__ import annotations

from typing import Any

from modelwright.core.config import Config
from modelwright.recipes.resolve import resolve_config
from study_records import MACHINE

DOMAINS = ["books", "fruit", "hotels"]
ORDERS = [["fruit", "hotels", "books"], ["books", "hotels", "fruit"]]
STRENGTH = {"distillation": 1.0, "temperature": 2.0, "alpha": 0.5, "beta": 1.0, "penalty": 100.0,
            "shrinkage": 0.01}  # fmt: skip


def mean_json(value: float, half: float | None = 0.01) -> dict[str, Any]:
    """Returns a mean with an interval of so much to both sides."""
    low, high = (None, None) if half is None else (value - half, value + half)
    return {"value": value, "low": low, "high": high}


def strategy_json(name: str, value: float | None, /, **changes: Any) -> dict[str, Any]:
    """Returns a strategy with four cells; without a macro-F1, one that was not measured."""
    about = {"name": name, "summary": f"what {name} does", "needs": "kept", "cells": 4}
    if value is None:
        return {**about, "cells": 0, **changes}
    apart = name != "naive"
    return {
        **about,
        "average": mean_json(value),
        "learned": mean_json(value + 0.02),
        "accuracy": mean_json(value + 0.03),
        "difference": mean_json(value - 0.8, 0.005) if apart else None,
        "forgetting": mean_json(0.031),
        "backward": mean_json(-0.025),
        "forward": mean_json(0.43),
        "decay": mean_json(0.025),
        "less_decay": {"value": 0.61, "low": 0.4, "high": 0.78} if apart else None,
        "rows_kept": 431.0,
        "share_kept": 0.05,
        "bytes_kept": 85606.4,
        "seconds": 5.6,
        "curve": [0.9, value + 0.01, value],
        "losses": {"books": -0.0691, "fruit": 0.004, "hotels": -0.02},
        **changes,
    }


def base_config(source: str = "reviews.csv", **tables: Any) -> Config:
    """Returns the config of the first training."""
    model = {"recipe": "text-fast", **tables.pop("model", {})}
    return resolve_config(
        options={"name": "shop", "data": {"source": source}, "model": model, **tables}
    )


def stream_json(*strategies: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Returns a finished study with the strategies."""
    chosen = list(strategies) or [strategy_json("naive", 0.8), strategy_json("replay", 0.83)]
    settings = {"domains": "category", "sources": {}, "limit": 1000, "grow_tokens": False,
                "epochs": None, "rate": None, "strength": STRENGTH}  # fmt: skip
    return {
        "kind": "stream",
        "format": 1,
        "name": "shop",
        "folder": "streams/shop",
        "status": "finished",
        "source": "reviews.csv",
        "recipe": "text-fast",
        "fingerprint": "0" * 64,
        "domains": DOMAINS,
        "classes": None,
        "rows": {"train": 9510, "test": 6237},
        "orders": ORDERS,
        "seeds": [0, 1],
        "keep": 0.05,
        "config": base_config().model_dump(mode="json"),
        "settings": {**settings, **changes.pop("settings", {})},
        "machines": [MACHINE],
        "date": "2026-11-26",
        "command": "modelwright stream shop.toml --out streams/shop",
        "strategies": chosen,
        "failures": [],
        "missing": 0,
        "missing_cells": [],
        "notes": ["the test split holds 6,237 rows by their content"],
        **changes,
    }
