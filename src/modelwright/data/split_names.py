"""Recognizes the names that people give to splits, in English and Chinese.

The names of one source are read together, since they explain each other: ``seg_train`` next to
``seg_test``, or ``eval`` with or without a test split. No file is read here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from itertools import takewhile

from modelwright.core.types import SPLITS, SplitName

_WORDS: Mapping[str, SplitName] = {
    **dict.fromkeys(("train", "training", "trn", "训练", "訓練"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "validate", "validating"), "val"),
    **dict.fromkeys(("dev", "devel", "development", "验证", "驗證", "开发"), "val"),
    **dict.fromkeys(("test", "testing", "tst", "holdout", "heldout", "测试", "測試"), "test"),
}
_EITHER = frozenset({"eval", "evaluation", "evaluate", "evaluating", "评估", "評估"})
"""The test split, or the validation split next to one of the test."""

_FILLER = (
    r"(?:set|data|dataset|split|images?|imgs?|pictures?|photos?|files?|samples?|examples?|rows)"
)
_FILLER_ZH = "数据|數據|样本|樣本|图片|圖片|图像|圖像|照片|文本|用|集"
_WORD = "|".join(sorted((*_WORDS, *_EITHER), key=len, reverse=True))
_NAME = re.compile(
    rf"(?:{_FILLER}|{_FILLER_ZH})?({_WORD})(?:{_FILLER}){{0,2}}(?:{_FILLER_ZH}){{0,3}}\d*"
)
_SEPARATORS = re.compile(r"[\s_\-.,()\[\]]+")


def read_split_names(names: Iterable[str]) -> dict[str, SplitName]:
    """Returns the split of each name that means one: ``Training_Set``, ``val2017``, ``测试集``.

    Case, width, separators, trailing numbers and words such as ``set`` or ``images`` don't count.
    A prefix that all names share is left out, as in ``seg_train`` and ``seg_test``. Where no name
    is one of a split, a single word in it counts, if that finds several splits: ``01_train`` and
    ``02_test``. ``eval`` is the
    test split; next to names of a test split it is the validation split, and next to names of a
    validation split the test split.

    Args:
        names: Names of folders or files on one level, or values of one column.

    Returns:
        Only the names that mean a split.
    """
    folded = {name: _fold(name) for name in names}
    found = _match(folded)
    if len(folded) > 1 and not found:
        shared = _shared_words(list(folded.values()))
        found = _match({name: " ".join(text.split()[shared:]) for name, text in folded.items()})
    if len(folded) > 1 and not found:
        words = _match_one_word(folded)
        splits = {_WORDS.get(word, "test") for word in words.values()}
        found = words if "train" in splits and len(splits) > 1 else {}
    is_test = any(word in _WORDS and _WORDS[word] == "test" for word in found.values())
    return {name: _WORDS.get(word, "val" if is_test else "test") for name, word in found.items()}


def is_split_name(name: str) -> bool:
    """Returns whether a name alone means a split."""
    return bool(read_split_names([name]))


def expected_split_names() -> str:
    """Returns the usual names, for messages."""
    return (
        f"{', '.join(SPLITS)}, training, validation, dev, eval, testing, holdout, 训练集, 验证集, "
        "测试集"
    )


def _shared_words(names: list[str]) -> int:
    """Returns how many words at their beginning all names have in common."""
    columns = zip(*(name.split() for name in names), strict=False)
    return sum(1 for _ in takewhile(lambda words: len(set(words)) == 1, columns))


def _match(folded: Mapping[str, str]) -> dict[str, str]:
    """Returns the word for a split in each name that has one."""
    words = {}
    for name, text in folded.items():
        match = _NAME.fullmatch(text.replace(" ", ""))
        if match:
            words[name] = match[1]
    return words


def _match_one_word(folded: Mapping[str, str]) -> dict[str, str]:
    """Returns the word for a split in each name of which exactly one word is one."""
    words = {}
    for name, text in folded.items():
        found = list(_match({part: part for part in text.split()}).values())
        if len(found) == 1:
            words[name] = found[0]
    return words


def _fold(name: str) -> str:
    text = unicodedata.normalize("NFKC", name).casefold()
    return _SEPARATORS.sub(" ", text).strip()
