"""Where the data of a run is looked for after a move."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from modelwright.core.config import DataConfig
from modelwright.core.errors import ConfigError, DataError
from modelwright.data.load import load_data
from modelwright.runs.data_places import data_places, record_places
from modelwright.runs.rows import reload_data
from sample_data import sentences, write_csv


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a table and a run, in which the training was started."""
    folder = tmp_path / "project"
    (folder / "runs" / "a").mkdir(parents=True)
    (folder / "runs" / "a" / "run.json").write_text("{}")
    write_csv(folder / "reviews.csv", sentences(60), ("text", "label"))
    monkeypatch.chdir(folder)
    return folder


def record(config: DataConfig, run: Path) -> dict[str, object]:
    return {"fingerprint": load_data(config).fingerprint, "places": record_places(config, run)}


@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.parametrize("recorded", [False, True])
def test_a_run_that_was_moved_with_its_data_finds_it(
    project: Path, monkeypatch: pytest.MonkeyPatch, *, absolute: bool, recorded: bool
) -> None:
    source = str(project / "reviews.csv") if absolute else "reviews.csv"
    config = DataConfig(source=source)
    kept = record(config, Path("runs/a"))
    if not recorded:  # as runs of earlier versions
        del kept["places"]
    moved = project.rename(project.parent / "elsewhere")
    monkeypatch.chdir("/")
    run = moved / "runs" / "a"
    if absolute and not recorded:
        with pytest.raises(DataError, match=r"there is no /.*reviews\.csv\. .* --data-root"):
            reload_data(config, kept, run)
    else:
        assert reload_data(config, kept, run).source.endswith("reviews.csv")


@pytest.mark.parametrize("place", ["data", "data/reviews.csv", "."])
def test_the_user_names_the_data_or_the_folder_that_holds_it(project: Path, place: str) -> None:
    config = DataConfig(source="old/data/reviews.csv" if place == "." else "reviews.csv")
    (project / "data").mkdir()
    file = shutil.move(project / "reviews.csv", project / "data" / "reviews.csv")
    kept = {"fingerprint": load_data(file).fingerprint}
    assert len(reload_data(config, kept, "runs/a", root=place).splits["train"]) > 0


def test_a_folder_of_images_is_itself_or_in_the_folder(project: Path) -> None:
    (project / "new" / "photos").mkdir(parents=True)
    config = DataConfig(source="/gone/photos", unlabelled="imdb-unlabelled")
    for root in ("new", "new/photos"):
        (place,) = data_places(config, {}, Path("runs/a"), Path(root))
        assert (place.source, place.unlabelled) == ("new/photos", "imdb-unlabelled")


def test_a_place_without_the_data_and_other_data_are_errors(project: Path) -> None:
    config = DataConfig(source="reviews.csv")
    kept = record(config, Path("runs/a"))
    with pytest.raises(ConfigError, match=r"--data-root was given nowhere, where there is no rev"):
        reload_data(config, kept, "runs/a", root="nowhere")
    write_csv(project / "runs" / "reviews.csv", sentences(40), ("text", "label"))
    with pytest.raises(DataError, match=r"changed since runs/a .* with --data-root"):
        reload_data(config, kept, "runs/a", root="runs")
    shutil.copy("reviews.csv", "runs/a/reviews.csv")
    shutil.move("runs/reviews.csv", "reviews.csv")  # other data where the data was
    kept["places"] = {"reviews.csv": "reviews.csv"}
    assert reload_data(config, kept, "runs/a").source.endswith("reviews.csv")
