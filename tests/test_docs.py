"""The documentation says what the program does: commands, settings, links, both languages."""

from __future__ import annotations

import ast
import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest

import modelwright
from command_tree import whole_command
from modelwright.core.config import DataConfig, Table, TrainConfig
from modelwright.core.errors import DRIFTED, ModelwrightError
from modelwright.models.options import (
    BilstmOptions,
    CnnOptions,
    CommitteeOptions,
    CustomOptions,
    ImageOptions,
    NgramFeatureOptions,
    NgramsOptions,
    PretrainedOptions,
    RegionsOptions,
    TextcnnOptions,
    TextOptions,
    WhitenedOptions,
)
from modelwright.recipes.recipe import read_recipe, recipe_names
from modelwright.studies.plan_file import StudyTable, VariantTable, read_study_plan
from modelwright.tuning.pruners.registry import pruner_names
from modelwright.tuning.samplers.registry import sampler_names
from modelwright.tuning.search_file import SearchFile, read_search_plan
from modelwright.tuning.search_settings import SearchSettings

ROOT = Path(__file__).parent.parent
ENGLISH = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
CHINESE = [ROOT / "README.zh.md", *sorted((ROOT / "docs" / "zh").glob("*.md"))]
OTHERS = [
    ROOT / name for name in ("ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
]
PAGES = [*ENGLISH, *CHINESE, *OTHERS, ROOT / "benchmarks" / "README.md"]
FOR_MAINTAINERS = {"releasing.md"}
COMMANDS = [ROOT / "docs" / "commands.md", ROOT / "docs" / "zh" / "commands.md"]
TUNINGS = [ROOT / "docs" / "tune.md", ROOT / "docs" / "zh" / "tune.md"]
STUDIES = [ROOT / "docs" / "comparing.md", ROOT / "docs" / "zh" / "comparing.md"]
SETTINGS = [ROOT / "docs" / "training.md", ROOT / "docs" / "zh" / "training.md"]
TABLES: dict[str, tuple[str, type[Table]]] = {
    "data": ("data", DataConfig),
    "train": ("train", TrainConfig),
    "images": ("model", ImageOptions),
    "texts": ("model", TextOptions),
    "cnn": ("model", CnnOptions),
    "whitened": ("model", WhitenedOptions),
    "pretrained": ("model", PretrainedOptions),
    "bilstm": ("model", BilstmOptions),
    "ngrams": ("model", NgramsOptions),
    "textcnn": ("model", TextcnnOptions),
    "regions": ("model", RegionsOptions),
    "committee": ("model", CommitteeOptions),
    "custom": ("model", CustomOptions),
}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
UNSET = "—"


def name(path: Path) -> str:
    """A page's path from the root, for the names of tests."""
    return path.relative_to(ROOT).as_posix()


def prose(path: Path) -> str:
    """A page without its blocks of code."""
    return FENCE.sub("", path.read_text("utf-8"))


def commands(path: Path) -> list[str]:
    """What a reader would type: in blocks ``sh``, and behind ``$`` in blocks ``console``."""
    found = []
    for language, content in fences(path):
        lines = content.splitlines()
        if language == "console":
            lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        elif language != "sh":
            continue
        parts = [part.strip() for line in lines for part in re.split(r" \| | && ", line)]
        found += [part for part in parts if re.match(r"(modelwright|mw)( |$)", part)]
    return found


def parse(words: list[str]) -> None:
    """Parse a command as the program would, and run nothing."""
    command: Any = whole_command()
    context = command.make_context("modelwright", [], resilient_parsing=True)
    while words and words[0] in getattr(command, "commands", {}):
        command, words = command.commands[words[0]], words[1:]
    command = by_default(command)
    if command is not context.command and not hasattr(command, "commands"):
        command.make_context(command.name, list(words), parent=context)
    elif (
        set(words)
        - {name for one in context.command.params for name in one.opts}
        - {"-h", "--help"}
    ):
        raise ValueError(f"no such command: {words[0]}")


def by_default(command: Any) -> Any:
    """The command that runs without one of a group's names, or the command itself."""
    inside = getattr(command, "commands", {})
    return inside.get(getattr(command, "default", "list"), command)


def options_of(words: list[str]) -> set[str]:
    """The options of the command that words begin with."""
    command: Any = whole_command()
    for word in words:
        command = getattr(command, "commands", {}).get(word, command)
    command = by_default(command)
    names = {name for parameter in command.params for name in parameter.opts}
    return names | {"-h", "--help"}


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_every_command_parses(path: Path) -> None:
    for line in commands(path):
        try:
            parse(shlex.split(line, comments=True)[1:])
        except Exception as error:  # noqa: BLE001 - the parser's errors have no public name
            pytest.fail(f"{name(path)}: {line}\n{error}")


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_every_command_in_a_sentence_exists(path: Path) -> None:
    top: Any = whole_command()
    for code in re.findall(r"`(?:modelwright|mw) ([^`]+)`", prose(path)):
        words = shlex.split(code)
        known = set(top.commands)
        group = getattr(top.commands.get(words[0]), "commands", None)
        default = getattr(by_default(top.commands.get(words[0])), "name", None)
        if group and (default not in group or (words[1:2] and words[1] in group)):
            words, outer, known = words[1:], words[0], set(group)
            assert words[0] in known and not words[0].startswith("-"), f"{name(path)}: {code}"
            used = options_of([outer, *words])
        else:
            used = options_of(words)
            assert words[0] in known | used, f"{name(path)}: {code}"
        wrong = [word for word in words if word.startswith("-") and word not in used]
        assert not wrong, f"{name(path)}: {code}"


def test_a_wrong_command_would_be_found() -> None:
    parse(["train", "--data", "a.csv", "--recipe", "cnn"])
    for wrong in (["trian"], ["train", "--recipes", "cnn"], ["predict", "models/a"]):
        with pytest.raises(Exception, match=r"(?i)no such|missing|unexpected"):
            parse(wrong)


@pytest.mark.parametrize("path", SETTINGS, ids=name)
@pytest.mark.parametrize("key", TABLES)
def test_every_setting_is_there_with_its_default(path: Path, key: str) -> None:
    prefix, kind = TABLES[key]
    documented = {one for _, one in TABLES.values()}
    if kind is CommitteeOptions:
        documented.add(NgramFeatureOptions)  # its settings are under ``ngrams``
    inherited = {f for base in kind.__mro__[1:] if base in documented for f in base.model_fields}
    expected = {}
    for field, info in kind.model_fields.items():
        if field not in inherited:
            value = None if info.is_required() else info.get_default(call_default_factory=True)
            expected[f"{prefix}.{field}"] = UNSET if value is None else f"`{json.dumps(value)}`"
    assert rows_under(path, key) == expected


@pytest.mark.parametrize("path", STUDIES, ids=name)
@pytest.mark.parametrize(("key", "kind"), [("study", StudyTable), ("variants", VariantTable)])
def test_every_key_of_a_study_is_there_with_its_default(
    path: Path, key: str, kind: type[Table]
) -> None:
    expected = {}
    for field, info in kind.model_fields.items():
        value = None if info.is_required() else info.get_default(call_default_factory=True)
        expected[field] = UNSET if value is None else f"`{json.dumps(value)}`"
    assert rows_under(path, key) == expected


@pytest.mark.parametrize("path", TUNINGS, ids=name)
@pytest.mark.parametrize(("key", "kind"), [("tuning", SearchFile), ("search", SearchSettings)])
def test_every_key_of_a_search_is_there_with_its_default(
    path: Path, key: str, kind: type[Table]
) -> None:
    expected = {}
    for field, info in kind.model_fields.items():
        value = info.get_default(call_default_factory=True)
        expected[field] = UNSET if value is None else f"`{json.dumps(value)}`"
    assert rows_under(path, key) == expected


@pytest.mark.parametrize("path", TUNINGS, ids=name)
def test_the_search_on_the_page_is_a_search(path: Path) -> None:
    shown, limits = [tomllib.loads(text) for kind, text in fences(path) if kind == "toml"]
    assert [one.key for one in read_search_plan(shown).dimensions] == list(shown["space"])
    assert read_search_plan({**shown, **limits}).search.max_size == 4.0
    text = path.read_text("utf-8")
    for known in (*sampler_names(), *pruner_names()):
        assert f"`{known}`" in text


@pytest.mark.parametrize("path", STUDIES, ids=name)
def test_the_study_on_the_page_is_a_study(path: Path) -> None:
    shown, grid = [tomllib.loads(text) for kind, text in fences(path) if kind == "toml"]
    assert [variant.name for variant in read_study_plan(shown).variants] == [
        "as drawn", "batch norm", "augmented",
    ]  # fmt: skip
    assert len(read_study_plan({**shown, **grid}).variants) == 12


def fences(path: Path) -> list[tuple[str, str]]:
    """Language and content of every block of code."""
    return FENCE.findall(path.read_text("utf-8"))


def rows_under(path: Path, key: str) -> dict[str, str]:
    """Key and default of each row of the table under the heading that has ``key`` in code."""
    sections = re.split(r"^#{2,3} ", path.read_text("utf-8"), flags=re.MULTILINE)
    [section] = [part for part in sections if f"`{key}`" in part.splitlines()[0]]
    return dict(re.findall(r"^\| `([\w.]+)` \| (.+?) \|", section, re.MULTILINE))


@pytest.mark.parametrize("path", SETTINGS, ids=name)
def test_every_recipe_is_there_with_what_it_sets(path: Path) -> None:
    listed = {}
    for line in path.read_text("utf-8").splitlines():
        codes = re.findall(r"`([^`]+)`", line)
        if codes and line.startswith("| `") and codes[0] in recipe_names():
            listed[codes[0]] = set(codes[1:])
    expected = {}
    for known in recipe_names():
        found = read_recipe(known)
        expected[known] = {
            f"{table}.{key}={json.dumps(value)}"
            for table, values in (
                ("data", found.data),
                ("model", found.model),
                ("train", found.train),
            )
            for key, value in values.items()
        }
    assert listed == expected


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_every_setting_in_a_sentence_exists(path: Path) -> None:
    known = {
        f"{prefix}.{f}"
        for prefix, kind in TABLES.values()
        for f in (*kind.model_fields, *kind.other_names)
    }
    known |= {"model.recipe", "model.onnx", "data.md", "train.csv"}
    text = re.sub(r"`error: [^`]*`", "", prose(path))
    for key in re.findall(r"(?<![\w./])((?:data|model|train)\.[a-z_]+)\b(?!\()", text):
        assert key in known, f"{name(path)}: {key}"


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_every_link_resolves(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(path)):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        page = (path.parent / file).resolve() if file else path
        assert page.is_file(), f"{name(path)}: {target}"
        if anchor:
            assert anchor in [slug(heading) for _, heading in headings(page)], target


def headings(path: Path) -> list[tuple[int, str]]:
    """Level and text of every heading."""
    found = re.findall(r"^(#+) (.+)$", prose(path), re.MULTILINE)
    return [(len(marks), text) for marks, text in found]


def slug(heading: str) -> str:
    """The anchor that a heading gets."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_every_page_has_its_chinese_counterpart() -> None:
    assert [path.name for path in ENGLISH[1:]] == [path.name for path in CHINESE[1:]]


@pytest.mark.parametrize(("english", "chinese"), list(zip(ENGLISH, CHINESE, strict=False)))
def test_both_languages_are_in_step(english: Path, chinese: Path) -> None:
    levels = [[level for level, _ in headings(path)] for path in (english, chinese)]
    assert levels[0] == levels[1]
    blocks = [FENCE.findall(path.read_text("utf-8")) for path in (english, chinese)]
    assert [language for language, _ in blocks[0]] == [language for language, _ in blocks[1]]
    for (language, one), (_, other) in zip(*blocks, strict=True):
        if language in ("console", "sh", "json", "toml", "python"):
            assert one == other
    rows = [
        len(re.findall(r"^\|", path.read_text("utf-8"), re.MULTILINE))
        for path in (english, chinese)
    ]
    assert rows[0] == rows[1]


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_python_blocks_are_python_and_name_public_functions(path: Path) -> None:
    for language, content in fences(path):
        if language == "python":
            used = {
                node.attr
                for node in ast.walk(ast.parse(content))
                if isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "mw"
            }
            assert used <= set(modelwright.__all__), f"{name(path)}: {used}"


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_every_table_has_a_header_and_rows_of_one_width(path: Path) -> None:
    for table in re.findall(r"(?:^\|.*\n)+", prose(path), re.MULTILINE):
        header, separator, *rows = table.splitlines()
        assert re.fullmatch(r"\|( -+ \|)+", separator), header
        widths = {re.sub(r"`[^`]*`|\\\|", "", row).count("|") for row in (header, separator, *rows)}
        assert len(widths) == 1 and len(set(rows)) == len(rows), header


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_no_page_names_a_place_of_one_machine(path: Path) -> None:
    text = path.read_text("utf-8")
    for part in ("/" + "tmp/", "/" + "work/", "pypi" + ".org", "npm" + "js"):
        assert part not in text


@pytest.mark.parametrize("path", [ENGLISH[0], CHINESE[0]], ids=name)
def test_the_readme_begins_with_an_image_and_the_set_up(path: Path) -> None:
    top = path.read_text("utf-8").split("\n## ")[0]
    assert "make demo" in top and "make test" in top and "](docs/images/" in top


@pytest.mark.parametrize("path", [ENGLISH[0], CHINESE[0]], ids=name)
def test_the_readme_leads_to_every_page(path: Path) -> None:
    targets = set(re.findall(r"\]\(([^)\s#]+)", prose(path)))
    folder = "docs/" if path == ENGLISH[0] else "docs/zh/"
    pages = {page.name for page in ENGLISH[1:]} - FOR_MAINTAINERS
    missing = {folder + page for page in pages} - targets
    assert not missing


@pytest.mark.parametrize("path", COMMANDS, ids=name)
def test_every_exit_code_is_listed(path: Path) -> None:
    codes = {"0", "130", str(DRIFTED)}
    kinds: list[type[ModelwrightError]] = [ModelwrightError]
    for kind in kinds:
        codes.add(str(kind.exit_code))
        kinds += kind.__subclasses__()
    assert set(re.findall(r"^\| (\d+) \|", path.read_text("utf-8"), re.MULTILINE)) == codes


@pytest.mark.parametrize("path", COMMANDS, ids=name)
def test_every_command_is_listed(path: Path) -> None:
    top: Any = whole_command()
    expected = {
        f"{outer} {word}".strip()
        for outer, command in top.commands.items()
        for word in getattr(command, "commands", [""])
    }
    listed = re.findall(r"^\| `modelwright ([^`]+)` \|", path.read_text("utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(expected)


def test_every_dependency_has_its_reason() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    project = settings["project"]
    needed = [*project["dependencies"], *settings["build-system"]["requires"]]
    extras = project["optional-dependencies"]
    for extra in extras.values():
        needed += [item for item in extra if not item.startswith("modelwright")]
    named = re.findall(
        rf"^\| `([\w-]+)` \| (?:base|build|{'|'.join(map(re.escape, extras))})\b",
        OTHERS[0].read_text("utf-8"),
        re.MULTILINE,
    )
    assert sorted(named) == sorted({re.split(r"[<>=~\[]", item)[0] for item in needed})


@pytest.mark.parametrize("path", OTHERS[:2], ids=name)
def test_every_source_file_that_a_page_names_exists(path: Path) -> None:
    for file in re.findall(r"`([a-z_]+/[\w/-]*\.(?:py|toml|md))`", path.read_text("utf-8")):
        assert (ROOT / file).is_file() or (ROOT / "src" / "modelwright" / file).is_file(), file
