"""The page of a run: what is in it, what it says where something is missing, what it refuses."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

import modelwright
from kept_runs import EVIL, RTL, evaluate_kept_run, export_kept_run, make_kept_run, write_reviews
from modelwright.core.errors import ConfigError, ModelwrightError, RunError, ServableError
from modelwright.core.files import sha256_file
from modelwright.reporting import report as module
from modelwright.reporting.limits import MOST_BYTES
from modelwright.runs.exports import record_export
from modelwright.runs.run import WEIGHTS, load_run
from modelwright.servable.manifest import read_manifest
from sample_data import write_images
from study_records import study_json, variant_json

Cli = Callable[..., tuple[int, str, str]]
SECTIONS = ("card", "figures", "classes", "calibration", "slices", "mistakes", "data", "training",
            "engines", "lineage", "serving", "repeating")  # fmt: skip
_VOID = {"meta", "img", "br", "input", "link", "line", "circle", "rect", "polyline"}


class Document(HTMLParser):
    """Checks that tags are nested, and collects what a test asks for."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.headings: list[int] = []
        self.scripts = 0
        self.sources: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(content)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        self.ids += [found["id"]] if found.get("id") else []
        self.sources += [v for k, v in found.items() if k in ("src", "href") and v]
        self.scripts += tag == "script"
        if re.fullmatch(r"h\d", tag):
            self.headings.append(int(tag[1]))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self.open.pop() == tag


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(inside: Path) -> Path:
    """A finished run with an evaluation, in runs/reviews."""
    made = make_kept_run(Path("runs/reviews"), write_reviews(Path("reviews.csv")))
    evaluate_kept_run(made)
    return made.path


def page(*places: Path | str, lang: str = "en") -> str:
    """The page about places, checked to be well formed."""
    written = modelwright.report(list(places), "page.html", lang, force=True)
    content = written.file.read_text("utf-8")
    document = Document(content)
    assert written.bytes == written.file.stat().st_size <= MOST_BYTES
    assert len(document.ids) == len(set(document.ids))
    assert document.scripts == 1
    assert all(one.startswith(("data:image/png;base64,", "#")) for one in document.sources)
    targets = {one[1:] for one in document.sources if one.startswith("#")}
    assert targets <= set(document.ids)
    assert document.headings[0] == 1
    assert document.headings.count(1) == 1
    steps = zip(document.headings, document.headings[1:], strict=False)
    assert all(after <= before + 1 for before, after in steps)
    for tag, attributes in document.tags:
        assert "style" not in attributes or tag == "style"
        assert not any(name.startswith("on") for name in attributes)
    return content


def shown(content: str, section: str) -> str:
    """The text of one section, with spaces for tags."""
    found = re.search(rf'<section id="[\w-]*{section}".*?</section>', content, re.DOTALL)
    assert found, section
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[0]))


def test_a_page_has_every_section_and_the_kept_figures(run: Path) -> None:
    content = page(run)
    assert re.findall(r'<section id="([\w-]+)"', content) == list(SECTIONS)
    record = json.loads((run / "evaluations/test/evaluation.json").read_text())
    low, high = record["accuracy_interval"]
    figures = shown(content, "figures")
    assert f"{100 * record['accuracy']:.2f} %" in figures
    assert f"{100 * low:.2f} to {100 * high:.2f}" in figures
    assert "majority class 50.00 % 30.00 to 70.00 0.3000" in figures
    assert "1 of the " in figures
    assert "the model is no better than the baseline" in shown(content, "card")
    assert "Most frequent confusions" in shown(content, "classes")
    assert "Accuracy by length" in shown(content, "slices")
    assert "Han" in shown(content, "slices")
    assert "mixed" not in shown(content, "slices")
    assert "物流很快" in shown(content, "mistakes")
    data = shown(content, "data")
    assert "contents under two labels 1" in data
    assert "From 6 to " in data
    training = shown(content, "training")
    assert "training 80.00 %, validation 70.00 %" in training
    assert "not finite" in training
    assert "modelwright train --data reviews.csv --recipe text-fast" in shown(content, "repeating")
    assert "--set data.test=0.3" in shown(content, "repeating")
    assert "modelwright export runs/reviews models/reviews" in shown(content, "serving")
    assert "curl -d" in shown(content, "serving")


def test_every_chart_has_a_title_a_description_and_a_table(run: Path) -> None:
    content = page(run)
    drawings = re.findall(r"<svg.*?</svg>", content, re.DOTALL)
    assert len(drawings) >= 7
    for one in drawings:
        assert re.match(r'<svg role="img" [^>]*aria-label="[^"]+"><title>.+</title><desc>.+', one)
    assert content.count("<figure>") == len(drawings)
    for after in re.split(r"</figure>", content)[1:]:
        assert re.match(r"\s*(<details><summary>.*?</summary>)?<div class=\"scroll\"", after)


def test_the_chinese_page_says_the_same_in_chinese(run: Path) -> None:
    english, chinese = page(run), page(run, lang="zh")
    assert '<html lang="zh-CN">' in chinese
    assert re.findall(r'<section id="([\w-]+)"', chinese) == list(SECTIONS)
    numbers = [
        re.findall(r"\d+\.\d\d %", re.sub(r"<[^>]+>", " ", one)) for one in (english, chinese)
    ]
    assert sorted(numbers[0]) == sorted(numbers[1])
    for text in ("模型卡", "评估结果", "最严重的错误", "如何复现"):
        assert text in chinese
    for heading in re.findall(r"<(?:h\d|th|caption|summary)[^>]*>(.*?)</", chinese):
        plain = re.sub(r"<[^>]+>", "", heading)
        assert not re.search(r"[a-z]{4,} [a-z]{3,}", plain), plain


def test_a_run_whose_data_vanished_says_so_and_keeps_the_rest(run: Path) -> None:
    Path("reviews.csv").unlink()
    written = modelwright.report(run, "page.html")
    assert any("the data of runs/reviews is not here" in line for line in written.missing)
    content = page(run)
    assert "The data cannot be read now" in shown(content, "data")
    assert "--data-root" in shown(content, "data")
    assert "Rows of each class" in shown(content, "data")  # from the evaluation
    assert "Slices by length and script are missing" in shown(content, "slices")
    assert "物流很快" in shown(content, "mistakes")
    shutil.copytree(run.parent, "moved/runs")


def test_data_that_changed_or_moved(run: Path) -> None:
    Path("elsewhere").mkdir()
    Path("reviews.csv").rename("elsewhere/reviews.csv")
    modelwright.report(run, "moved.html", data_root="elsewhere")
    assert "Accuracy by length" in Path("moved.html").read_text("utf-8")
    with pytest.raises(ConfigError, match="--data-root was given nowhere"):
        modelwright.report(run, "other.html", data_root="nowhere")
    write_reviews(Path("reviews.csv"), rows=90)
    assert "changed since runs/reviews was trained on it" in shown(page(run), "data")


def test_a_run_that_was_never_evaluated(inside: Path) -> None:
    made = make_kept_run(Path("runs/new"), write_reviews(Path("reviews.csv")))
    content = page(made.path)
    assert "never evaluated" in shown(content, "card")
    assert "never evaluated" in shown(content, "figures")
    assert 'id="calibration"' not in content
    written = modelwright.report(made.path, "again.html")
    assert written.missing == ("new: it was never evaluated; run modelwright evaluate runs/new",)


def test_an_unfinished_run(inside: Path) -> None:
    made = make_kept_run(Path("runs/new"), write_reviews(Path("reviews.csv")), status="running")
    content = page(made.path)
    assert "has not finished (0 of 4 epochs)" in shown(content, "card")
    assert "no epoch has ended" in shown(content, "training")
    assert "nothing to serve" in shown(content, "serving")


def test_figures_of_earlier_weights_are_not_figures_of_the_model(run: Path) -> None:
    file = run / "evaluations/test/evaluation.json"
    record = json.loads(file.read_text())
    file.write_text(json.dumps({**record, "weights": "0" * 64}))
    content = page(run)
    assert "Measured with earlier weights" in shown(content, "figures")
    assert "<svg" not in re.search(r'<section id="figures".*?</section>', content, re.DOTALL)[0]  # type: ignore[index]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("{", "Expecting property name"),
        ("[]", "Input should be a valid dictionary"),
        ('{"rows": 3}', "accuracy: Field required"),
        ('{"rows": 0, "accuracy": 1}', "rows: Input should be greater than 0"),
        ("accuracy", "accuracy: Input should be a valid number"),
    ],
)
def test_a_damaged_evaluation_is_a_sentence_on_the_page(run: Path, damage: str, said: str) -> None:
    file = run / "evaluations/test/evaluation.json"
    if damage == "accuracy":
        damage = json.dumps({**json.loads(file.read_text()), "accuracy": "many"})
    file.write_text(damage)
    assert said in shown(page(run), "card")


def test_damaged_tables_are_sentences_on_the_page(run: Path) -> None:
    (run / "evaluations/test/predictions.csv").write_text("origin,label\n1,2\n")
    (run / "history.csv").write_bytes(b"\xff\xfe\x00")
    (run / "rejected.csv").write_text("other\n1\n")
    content = page(run)
    assert "The answers to the rows cannot be read" in shown(content, "calibration")
    assert "history.csv" in shown(content, "card")
    assert "rejected.csv" in shown(content, "card")


def test_hostile_texts_and_labels_are_shown_as_text(inside: Path) -> None:
    long = "長" * 10_000
    labels = (EVIL, '"><b>', long)
    source = write_reviews(Path("evil.csv"), labels, rows=90)
    made = make_kept_run(Path("runs") / EVIL.replace("/", "_"), source)
    folder = evaluate_kept_run(made)
    record = json.loads((folder / "evaluation.json").read_text())
    record["mistakes"][0]["text"] = f"{EVIL}\x00\x1b[31m\ud800{RTL}"
    record["mistakes"][0]["label"] = RTL  # a label of the data has no such marks
    (folder / "evaluation.json").write_text(json.dumps(record))
    for lang in ("en", "zh"):
        content = page(made.path, lang=lang)
        assert "<script>document" not in content
        assert "&lt;script&gt;document" in content
        assert f"<bdi>{RTL}</bdi>" in content
        assert long in content
        assert content.count(long[:200]) == 50  # whole once, in the table of classes
        assert "\x1b" not in content
        assert "\x00" not in content


def test_many_classes_and_long_texts_stay_small(inside: Path) -> None:
    labels = [f"class {number:04}" for number in range(230)]
    made = make_kept_run(Path("runs/many"), write_reviews(Path("many.csv"), labels, rows=1840))
    evaluate_kept_run(made)
    content = page(made.path)
    assert "230 classes" in shown(content, "data")
    assert "The first 200 of 230." in shown(content, "classes")
    assert '<table class="matrix">' not in content


def test_the_page_gives_up_images_and_lists_before_it_grows(
    inside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_kept_run(Path("runs/colors"), write_images(Path("colors"), 10), recipe="cnn")
    evaluate_kept_run(made)
    whole = len(page(made.path).encode())
    monkeypatch.setattr(module, "MOST_BYTES", whole - 1)
    cut = page(made.path)
    assert "stays small" in cut
    assert "data:image/png" not in cut
    assert "The images are not shown" in shown(cut, "mistakes")
    monkeypatch.setattr(module, "MOST_BYTES", 1000)
    with pytest.raises(ConfigError, match=r"about 1 place would have .* Give fewer places"):
        page(made.path)


def test_images_of_mistakes_are_in_the_page(inside: Path) -> None:
    made = make_kept_run(Path("runs/colors"), write_images(Path("colors"), 10), recipe="cnn")
    evaluate_kept_run(made)
    content = page(made.path)
    assert content.count('<img alt="') == content.count("data:image/png") > 0
    shutil.rmtree("colors")
    assert "The images are not shown" in shown(page(made.path), "mistakes")


def test_a_servable_with_and_without_its_run(run: Path) -> None:
    folder = export_kept_run(load_run(run), Path("models/sentiment/1"))
    content = page("models/sentiment")
    assert "The run is not here" in shown(content, "training")
    assert "not found here" in shown(content, "lineage")
    assert "exported before an evaluation" in shown(content, "figures")
    assert "modelwright serve models" in shown(content, "serving")
    assert "/v1/models/sentiment:predict" in shown(content, "serving")
    assert "onnx" in shown(content, "engines")
    manifest = read_manifest(folder)
    record_export(run, folder, manifest.created, sha256_file(run / WEIGHTS))
    content = page(folder)
    assert "training 80.00 %, validation 70.00 %" in shown(content, "training")
    assert 'id="calibration"' in content
    assert "models/sentiment/1" in shown(page(run), "lineage")
    shutil.move("models", "elsewhere")
    assert "none of these weights" in shown(page(run), "lineage")


def test_several_places_are_compared_first(run: Path) -> None:
    other = make_kept_run(Path("runs/other"), Path("reviews.csv"))
    evaluate_kept_run(other)
    study = Path("studies/depth")
    study.mkdir(parents=True)
    (study / "study.json").write_text(
        json.dumps(study_json(variant_json("a", 0.85), variant_json("b", None)))
    )
    content = page(run, other.path, study)
    ids = re.findall(r'<(?:section|article) id="([\w-]+)"', content)
    assert ids[:3] == ["compare", "part-1", "part-1-card"]
    assert "part-3" in ids
    compared = shown(content, "compare")
    assert "reviews" in compared
    assert re.search(r"other test rows \+0\.00 -\d+\.\d\d to \+\d+\.\d\d 1\.000", compared)
    assert "All settings are the same." in compared


def test_what_is_not_a_run_a_servable_or_a_study(run: Path, cli: Cli) -> None:
    Path("notes.txt").write_text("notes")
    Path("empty").mkdir()
    Path("odd").mkdir()
    Path("odd/study.json").write_text('{"kind": "other"}')
    cases: dict[str, tuple[str, type[ModelwrightError]]] = {
        "runs/reviewz": (
            r"does not exist; expected a run, .* Did you mean 'runs/review",
            ConfigError,
        ),
        "notes.txt": ("notes.txt is a file; expected a run", ConfigError),
        "empty": ("empty is a folder of something else", ConfigError),
        "runs": (r"is a folder of runs; .* Name one or several of runs/reviews", ConfigError),
        "odd": ("is no study", RunError),
    }
    for place, (said, kind) in cases.items():
        with pytest.raises(kind, match=said):
            modelwright.report(place, "x.html")
        code, out, err = cli("report", place, "-o", "x.html", "-q")
        assert (code, out, err.count("\n")) == (kind.exit_code, "", 1)
    assert not Path("x.html").exists()
    with pytest.raises(ConfigError, match="nothing was given"):
        modelwright.report([], "x.html")


def test_damaged_records_are_errors(run: Path) -> None:
    kept = load_run(run)
    (run / "run.json").write_text("{")
    with pytest.raises(RunError, match="cannot be read"):
        modelwright.report(run, "x.html")
    folder = export_kept_run(kept, Path("models/sentiment/1"))
    (folder / "modelwright.json").write_text("{}")
    with pytest.raises(ServableError, match="cannot be read"):
        modelwright.report(folder, "x.html")


def test_a_file_that_exists_is_replaced_only_with_force(run: Path, cli: Cli) -> None:
    assert cli("report", run, "-q")[0] == 0
    before = Path("report.html").read_bytes()
    code, _, err = cli("report", run, "-q")
    assert code == 2
    assert "report.html exists; choose another name with -o, or replace it with --force" in err
    assert Path("report.html").read_bytes() == before
    code, out, _ = cli("report", run, "--force", "--lang", "zh", "--json")
    answer = json.loads(out)
    assert (code, answer["file"], answer["language"]) == (0, "report.html", "zh")
    assert answer["bytes"] == Path("report.html").stat().st_size
    Path("folder").mkdir()
    assert "folder is a folder; expected" in cli("report", run, "-o", "folder", "-q")[2]
    code, _, err = cli("report", run, "--lang", "fr", "-o", "x.html", "-q")
    assert code == 2
    assert "--lang was given 'fr'; expected en or zh" in err
    assert cli("report", run, "-o", "new/folders/x.html", "-q")[0] == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_no_permission_to_write(run: Path, cli: Cli) -> None:
    Path("closed").mkdir(mode=0o500)
    code, _, err = cli("report", run, "-o", "closed/x.html", "-q")
    assert code == 8
    assert "cannot be written" in err


def test_a_refused_write_is_an_error_of_one_line(
    run: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, _: bytes) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(module, "write_bytes", refuse)
    code, out, err = cli("report", run, "-q")
    assert (code, out) == (8, "")
    assert err.startswith("error: report.html cannot be written: Permission denied.")


def words() -> Iterator[str]:
    """Every text that the sections translate."""
    import ast

    for file in Path(module.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            if named and node.func.id == "t" and isinstance(node.args[0], ast.Constant):  # type: ignore[attr-defined]
                yield node.args[0].value  # type: ignore[attr-defined]


def test_every_text_has_a_translation_with_the_same_fields() -> None:
    from modelwright.reporting.translations import CHINESE

    used = set(words())
    assert len(used) > 200
    assert used <= CHINESE.keys()
    for english, chinese in CHINESE.items():
        fields = [sorted(re.findall(r"\{(\w+)\}", one)) for one in (english, chinese)]
        assert fields[0] == fields[1] or set(fields[0]) == set(fields[1]), english
