"""The wheel and the sdist are complete, and the base dependencies alone run the command line."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

import pytest

import modelwright

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
CONSTRAINTS = ROOT / "constraints" / f"py{sys.version_info[0]}.{sys.version_info[1]}.txt"
DATA_FILES = {
    "py.typed": 1,
    "checks/*.csv": 2,
    "recipes/*.toml": 9,
    "studies/published/*.toml": 10,
    "deploy/templates/*.in": 9,
    "serve/page/*.html": 2,
    "serve/page/*.css": 1,
    "serve/page/*.js": 8,
    "serve/page/*.svg": 1,
}
"""Files other than modules that the program reads, and the least number of each."""
SDIST_FILES = [
    "LICENSE",
    "Makefile",
    "README.md",
    "README.zh.md",
    "constraints/py3.11.txt",
    "docs/serving.md",
    "docs/zh/serving.md",
    "pyproject.toml",
    "src/modelwright/py.typed",
    "tests/test_packaging.py",
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that was built from that sdist."""
    if find_spec("build") is None or find_spec("hatchling") is None:
        pytest.skip("needs build and hatchling: pip install -e '.[dev]'")
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    """The wheel."""
    [path] = built.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts folder of an environment with the wheel and the base dependencies."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=True)
    scripts = folder / ("Scripts" if sys.platform == "win32" else "bin")
    command = [scripts / "python", "-m", "pip", "install", "--quiet", "-c", CONSTRAINTS, wheel]
    subprocess.run(command, check=True)
    return scripts


def run_command(scripts: Path, folder: Path, *arguments: str) -> str:
    """Runs the installed ``modelwright`` outside of the repository and returns its output."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [scripts / "modelwright", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def package_files(wheel: Path) -> set[str]:
    """The files of the package in a wheel, by their path below ``modelwright/``."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    return {n.removeprefix("modelwright/") for n in names if n.startswith("modelwright/")}


def test_the_wheel_holds_every_file_of_the_package_and_no_other(wheel: Path) -> None:
    source = ROOT / "src" / "modelwright"
    files = [path.relative_to(source) for path in source.rglob("*") if path.is_file()]
    expected = {path.as_posix() for path in files if "__pycache__" not in path.parts}
    assert package_files(wheel) == expected


@pytest.mark.parametrize("pattern", DATA_FILES)
def test_the_wheel_holds_the_data_files(wheel: Path, pattern: str) -> None:
    folder, _, name = pattern.rpartition("/")
    paths = [PurePosixPath(path) for path in package_files(wheel)]
    found = [path for path in paths if path.match(name) and str(path.parent) == (folder or ".")]
    assert len(found) >= DATA_FILES[pattern]


def test_the_wheel_has_the_version_the_license_and_the_commands(wheel: Path) -> None:
    assert wheel.name == f"modelwright-{modelwright.__version__}-py3-none-any.whl"
    info = f"modelwright-{modelwright.__version__}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(f"{info}/METADATA").decode()
        scripts = archive.read(f"{info}/entry_points.txt").decode()
        assert f"{info}/licenses/LICENSE" in archive.namelist()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for name, target in project["scripts"].items():
        assert f"{name} = {target}" in scripts
    for extra in project["optional-dependencies"]:
        assert f"Provides-Extra: {extra}\n" in metadata


def test_the_sdist_can_be_tested_and_built_again(built: Path) -> None:
    [path] = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert set(SDIST_FILES) <= names
    assert not [name for name in names if name.startswith((".venv", "build/", "runs/", "models/"))]


def test_the_base_runs_the_command_line(installed: Path, tmp_path: Path) -> None:
    assert "train" in run_command(installed, tmp_path, "--help")
    version = run_command(installed, tmp_path, "--version")
    assert modelwright.__version__ in version
    recipes = run_command(installed, tmp_path, "recipes")
    assert "cnn" in recipes and "bilstm" in recipes
    assert "tensorflow" in run_command(installed, tmp_path, "doctor").lower()


def test_a_type_checker_sees_the_types_of_the_installed_package(
    installed: Path, tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text("import modelwright as mw\nreveal_type(mw.list_recipes)\n", "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--python-executable", installed / "python", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert "def (" in done.stdout
