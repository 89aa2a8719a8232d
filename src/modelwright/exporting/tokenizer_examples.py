"""Example texts with their tokens and ids: test vectors for implementations of the tokenizer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import tensorflow as tf

from modelwright.core.files import write_text
from modelwright.models.graph_tokenizer import GraphTokenizer, split_tokens

VECTORS = "tokenizer-vectors.jsonl"
TEXTS = (
    "",
    " ",
    "A waste of two hours.",
    "It wasn't bad, it's the BEST!",
    "don’t `quote´ me, rock'n'roll",
    "<br />Line one<br/>line two <b>bold</b> 3 < 4 > 2 <3",
    "&amp; &#39;quoted&#39; &nbsp; AT&T; fish&chips;",
    "画面很好，声音也不错。",
    "不推荐！！！太差了…",
    "ＦＵＬＬ　ｗｉｄｔｈ　１２３！",
    "iPhone15很好用2024年",
    "カタカナとひらがな、한국어",
    "ΟΔΥΣΣΕΥΣ ΣΑΣ Σ Α'Σ ΑΣ'Α",
    "İstanbul ISPARTA ıŞıK",
    "ÀÉÎÕÜ café naïve Straße ẞ",
    "e\u0301 o\u0308 n\u0303",
    "ﬁne ﬂuff Ǆ Ⅷ ①",
    "👍🏽 👨‍👩‍👧‍👦 ❤️ 🇨🇳 :-) ^_^",
    "zero\u200bwidth soft\u00adhyphen no\u00a0break word\u2060joiner",
    "tab\tnew\nline\r\nnul\x00bell\x07",
    "مرحبا بالعالم שלום",
    "१२३ ٣٤٥ 1,234.5 $5 €6 +7 =8 50%",
    "snake_case kebab-case a/b\\c e@mail.com #tag",
    "ดีมากชอบที่สุด 5ดาว ทำ",
    "ភាសាខ្មែរ ດີຫຼາຍ မြန်မာဘာသာ བོད་སྐད་ཡིན།",
    "か\u3099き ﾊﾞｰ カメラー 葛\U000e0100飾",
    "हिन्दी में \u0301 अच्छा",
    "very " * 500 + "long",
)


def write_tokenizer_examples(folder: Path, tokenizer: GraphTokenizer) -> None:
    """Writes the tokens and ids that the tokenizer in the graph gives, one text on each line."""
    ids = tokenizer.encode(TEXTS)
    tokens = split_tokens(tf.constant(TEXTS, tf.string), tokenizer.options).to_list()
    lines = (
        _line(text, [token.decode() for token in row_tokens], row)
        for text, row_tokens, row in zip(TEXTS, tokens, ids, strict=True)
    )
    write_text(folder / VECTORS, "".join(lines))


def _line(text: str, tokens: list[str], ids: Any) -> str:
    unpadded = ids[: len(ids) - (ids[::-1] != 0).argmax()].tolist()
    record = {"text": text, "tokens": tokens, "ids": unpadded}
    return json.dumps(record, ensure_ascii=False) + "\n"
