"""Writes the constraints files: one version of every package that the tests and the docs need.

``make constraints`` runs this. uv resolves for each Python version, whether that Python is
installed or not, always for Linux on x86-64; uv itself is installed in a temporary environment.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

FOLDER = Path(__file__).parent
PYPROJECT = FOLDER.parent / "pyproject.toml"
UV = "uv>=0.13,<0.14"
OPTIONS = [
    "--no-config",
    "--quiet",
    "--upgrade",
    "--no-header",
    "--no-annotate",
    "--python-platform=linux",
]


def main(versions: list[str]) -> None:
    """Writes ``pyX.Y.txt`` for each Python version, and ``docs.txt`` for the oldest."""
    project = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        uv = install_uv(folder / "venv")
        for version in versions:
            pins = resolve(uv, [str(PYPROJECT), "--extra=dev"], version)
            write_pins(FOLDER / f"py{version}.txt", f"extra dev, Python {version}", pins)
        tools = folder / "docs.in"
        tools.write_text("\n".join(project["optional-dependencies"]["docs"]), "utf-8")
        pins = resolve(uv, [str(tools)], versions[0])
        write_pins(FOLDER / "docs.txt", "extra docs, every Python", pins)


def install_uv(folder: Path) -> Path:
    """Returns the path of uv, installed in a new environment in ``folder``."""
    venv.create(folder, with_pip=True)
    scripts = folder / ("Scripts" if sys.platform == "win32" else "bin")
    subprocess.run([scripts / "python", "-m", "pip", "install", "--quiet", UV], check=True)
    return scripts / "uv"


def resolve(uv: Path, sources: list[str], version: str) -> list[str]:
    """Returns one line ``name==version`` for each package, sorted."""
    command = [str(uv), "pip", "compile", *OPTIONS, f"--python-version={version}", *sources]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return sorted(line for line in done.stdout.splitlines() if "==" in line)


def write_pins(path: Path, content: str, pins: list[str]) -> None:
    """Writes a constraints file with its header."""
    header = f"# Written by `make constraints` ({content}); do not edit."
    path.write_text("\n".join([header, *pins, ""]), "utf-8")
    print(f"{path.name}: {len(pins)} packages")


if __name__ == "__main__":
    main(sys.argv[1:])
