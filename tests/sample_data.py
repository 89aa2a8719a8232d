"""Small labeled sets that a model can learn in seconds, and the weights of a run to compare."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image

GOOD = ["wonderful", "delightful", "brilliant", "很好", "喜欢", "推荐"]
BAD = ["dreadful", "boring", "awful", "很差", "失望", "退货"]
FILLER = ["the film", "this book", "酒店", "a plot", "手机", "acting", "电影", "room"]
COLORS = {"blue": (30, 40, 220), "green": (30, 200, 40), "red": (220, 30, 30)}


def sentences(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """Returns distinct (text, label) rows, half good and half bad, in two languages."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        label, words = ("pos", GOOD) if number % 2 else ("neg", BAD)
        filler = random.choice(FILLER, 3)
        rows.append((f"{filler[0]} {random.choice(words)} {filler[1]} {number} {filler[2]}", label))
    return rows


def write_csv(path: Path, rows: list[tuple[str, str]], header: tuple[str, str]) -> Path:
    """Writes rows under a header, in UTF-8."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def write_images(folder: Path, count: int, side: int = 16, seed: int = 0) -> Path:
    """Writes a folder for each color, with ``count`` noisy PNGs of that color."""
    random = np.random.default_rng(seed)
    for name, color in COLORS.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            noise = random.integers(-30, 30, (side, side, 3))
            pixels = np.clip(np.array(color) + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number:03d}.png")
    return folder


def weights(path: Path) -> dict[str, np.ndarray]:
    """Returns the arrays in a run's weights, by name."""
    import h5py

    from modelwright.runs.run import WEIGHTS

    found: dict[str, np.ndarray] = {}
    with h5py.File(path / WEIGHTS) as file:
        file.visititems(
            lambda name, item: (
                found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
            )
        )
    return found
