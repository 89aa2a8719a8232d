"""Rows whose label is decided by one planted cue: a word of a text, a patch of an image.

Everything else in a row is drawn without regard to the label. So a network that is right can only
have read the cue, and an explanation of its answer must put the cue first.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

_ENGLISH = """
the a this that my our his her old new small large house street train station garden window kitchen
table morning evening winter summer letter number paper book story film music song river mountain
road city village market doctor teacher student friend mother brother walked opened closed found
lost bought sold carried painted wrote read heard saw with without under over near behind after
before because while and or but then slowly quickly often never always perhaps very quite three
seven twelve blue green white black wooden quiet narrow broken early late warm cold heavy light
"""
_CHINESE = """
今天 昨天 早上 晚上 我们 他们 大家 朋友 老师 学生 医生 妈妈 弟弟 房间 厨房 窗户 桌子 火车 车站 花园
街道 城市 村庄 市场 河流 山上 电影 音乐 故事 书本 信件 报纸 慢慢 很快 常常 总是 也许 非常 有点 打开
关上 找到 买了 卖了 写了 读了 听见 看见 因为 所以 但是 然后 以后 以前 旁边 后面 蓝色 绿色 白色 黑色
木头 安静 温暖 寒冷 三个 七个 十二个
"""
WORDS: Mapping[str, tuple[str, ...]] = {
    "English": tuple(_ENGLISH.split()),
    "Chinese": tuple(_CHINESE.split()),
}
CUES: Mapping[str, tuple[str, str]] = {
    "English": ("marzipan", "telescope"),
    "Chinese": ("琥珀", "珊瑚"),
}
"""The cue of each label, a word that no other row part contains."""
LABELS = ("first", "second")
SIDE, PATCH = 32, 8
COLORS = ((230, 40, 40), (40, 60, 230))


@dataclass(frozen=True)
class PlantedText:
    """A text, its label, and where its cue is."""

    text: str
    label: str
    start: int
    end: int


@dataclass(frozen=True)
class PlantedImage:
    """A PNG file, its label, and the first row and column of its patch."""

    file: bytes
    label: str
    row: int
    column: int


def planted_texts(language: str, count: int, seed: int) -> list[PlantedText]:
    """Returns texts of 20 to 40 words with one cue each, at a random place."""
    random = np.random.default_rng(seed)
    space = " " if language == "English" else ""
    rows = []
    for number in range(count):
        words = random.choice(WORDS[language], random.integers(20, 41)).tolist()
        at = int(random.integers(0, len(words) + 1))
        before = space.join(words[:at]) + (space if at else "")
        cue = CUES[language][number % 2]
        text = before + cue + (space if at < len(words) else "") + space.join(words[at:])
        rows.append(PlantedText(text, LABELS[number % 2], len(before), len(before) + len(cue)))
    return rows


def planted_images(count: int, seed: int) -> list[PlantedImage]:
    """Returns images of random blocks of color, with a patch in one of the four corners."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        blocks = random.integers(60, 190, (8, 8, 3)).repeat(4, 0).repeat(4, 1)
        pixels = np.clip(blocks + random.integers(-20, 20, (SIDE, SIDE, 3)), 0, 255)
        row, column = (int(one) * (SIDE - PATCH) for one in random.integers(0, 2, 2))
        pixels[row : row + PATCH, column : column + PATCH] = COLORS[number % 2]
        file = io.BytesIO()
        Image.fromarray(pixels.astype(np.uint8)).save(file, "PNG")
        rows.append(PlantedImage(file.getvalue(), LABELS[number % 2], row, column))
    return rows


def write_texts(path: Path, rows: list[PlantedText]) -> None:
    """Writes a table with the columns text and label."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "label"))
        writer.writerows((row.text, row.label) for row in rows)


def write_images(folder: Path, rows: list[PlantedImage]) -> None:
    """Writes a folder for each label."""
    for number, row in enumerate(rows):
        (folder / row.label).mkdir(parents=True, exist_ok=True)
        (folder / row.label / f"{number:04d}.png").write_bytes(row.file)
