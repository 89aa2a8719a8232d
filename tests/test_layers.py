"""Imports go one way, public names resolve, and nothing heavy is loaded before it is needed."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import modelwright

SOURCE = Path(modelwright.__file__).parent
LAYERS = [
    {"core"},
    {"plots", "wire"},
    {"checks", "data", "models"},
    {"backbones"},
    {"recipes", "runs"},
    {"servable"},
    {"explaining", "monitoring", "scoring", "training"},
    {"auditing", "distillation", "exporting", "learning", "trials"},
    {"deploy", "quantization", "serve", "streams", "studies", "tuning", "updating"},
    {"publish", "reporting"},
    {"api"},
    {"cli"},
    {"__main__", "demo"},
]
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}


def imports(path: Path) -> set[str]:
    """The first-level parts of modelwright that a file imports, deferred imports too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found |= {n.split(".")[1] for n in names if n.startswith("modelwright.")}
    return found & set(RANK)


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda p: p.name)
def test_a_module_imports_only_from_lower_layers_or_its_own_package(path: Path) -> None:
    own = path.relative_to(SOURCE).with_suffix("").parts[0]
    if own == "__init__":
        pytest.skip("the public list names every layer")
    above = {name for name in imports(path) if name != own and RANK[name] >= RANK[own]}
    assert not above, f"{path.relative_to(SOURCE)} is in layer {own} and imports {above}"


def file_imports(name: str, path: Path, files: dict[str, Path]) -> set[str]:
    """The files of modelwright that a file imports when it runs, deferred imports too."""
    tree = ast.parse(path.read_text("utf-8"))
    for_types = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.dump(block.test)
        for node in ast.walk(block)
    }
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and id(node) not in for_types:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {one if one in files else node.module for one in names}
    return (found & set(files)) - {name, "modelwright"}


def test_no_file_imports_itself_over_others() -> None:
    files = {
        ".".join(("modelwright", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(
            ".__init__"
        ): path
        for path in SOURCE.rglob("*.py")
    }
    left = {name: file_imports(name, path, files) for name, path in files.items()}
    while free := {name for name, needed in left.items() if not needed}:
        left = {name: needed - free for name, needed in left.items() if name not in free}
    assert not left, f"these files import each other in a circle, or one that does: {left}"


def test_every_package_has_a_layer() -> None:
    there = {p.stem for p in SOURCE.iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()}
    assert there - {"__init__", "__pycache__"} == set(RANK)


def test_the_public_list_is_sorted_and_resolves() -> None:
    assert modelwright.__all__ == sorted(modelwright.__all__)
    for name in modelwright.__all__:
        assert callable(getattr(modelwright, name))
    with pytest.raises(AttributeError, match="no attribute 'tarin'"):
        modelwright.tarin  # noqa: B018


@pytest.mark.parametrize(
    "code",
    [
        "import modelwright",
        "import modelwright.cli.main",
        "import modelwright; modelwright.load_data",
        "import modelwright; modelwright.verify",
        "import modelwright; modelwright.list_backbones()",
        "import modelwright; modelwright.list_recipes()",
        "import modelwright.studies.plan_file",
        "import modelwright; modelwright.reproduce",
    ],
)
def test_nothing_heavy_is_loaded_early(code: str) -> None:
    probe = f"import json, sys\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    assert not loaded & {"tensorflow", "keras", "matplotlib", "pandas", "scipy", "sklearn"}


def test_no_file_is_over_350_lines() -> None:
    long = {p.name: n for p in SOURCE.rglob("*.py") if (n := len(p.read_text().splitlines())) > 350}
    assert not long
