"""Writes the constraints files: one version of every package that the tests and the docs need.

``make constraints`` runs this. uv resolves for each Python version, whether that Python is
installed or not. pip then confirms that it would install the result: uv ignores upper bounds of
Requires-Python, so it can choose a release that pip refuses. Both tools are installed in a
temporary environment. The result is for Linux on x86-64.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

FOLDER = Path(__file__).parent
PYPROJECT = FOLDER.parent / "pyproject.toml"
TOOLS = ["pip>=25.1", "uv>=0.13,<0.14"]
UV_OPTIONS = [
    "--no-config",
    "--quiet",
    "--upgrade",
    "--no-header",
    "--no-annotate",
    "--python-platform=linux",
]
PIP_OPTIONS = [
    "--dry-run",
    "--ignore-installed",
    "--no-deps",
    "--only-binary=:all:",
    "--no-binary=lime",
]
"""lime is published as source only."""


class Resolver:
    """uv and pip in a temporary environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        environment = folder / "venv"
        venv.create(environment, with_pip=True)
        self.scripts = environment / ("Scripts" if sys.platform == "win32" else "bin")
        self.pip_install = [str(self.scripts / "python"), "-m", "pip", "install", "--quiet"]
        subprocess.run([*self.pip_install, "--upgrade", *TOOLS], check=True)

    def resolve(self, requirements: list[str], version: str) -> list[str]:
        """Returns one line ``name==version`` for each package, sorted."""
        excluded: list[str] = []
        while True:
            pins = self._compile([*requirements, *excluded], version)
            refused = self._refused_by_pip(pins, version)
            if not refused:
                return pins
            print(f"Python {version}: pip does not accept {refused}", file=sys.stderr)
            excluded.append(refused.replace("==", "!="))

    def _compile(self, requirements: list[str], version: str) -> list[str]:
        source = self.folder / "requirements.in"
        source.write_text("\n".join(requirements), "utf-8")
        command = [str(self.scripts / "uv"), "pip", "compile", *UV_OPTIONS]
        done = subprocess.run(
            [*command, f"--python-version={version}", str(source)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return sorted(line for line in done.stdout.splitlines() if "==" in line)

    def _refused_by_pip(self, pins: list[str], version: str) -> str | None:
        """Returns the first pin that pip would not install, or None."""
        source = self.folder / "pins.txt"
        source.write_text("\n".join(pins), "utf-8")
        target = f"--target={self.folder / 'target'}"
        options = [*PIP_OPTIONS, f"--python-version={version}", target]
        done = subprocess.run(
            [*self.pip_install, *options, "-r", str(source)],
            stderr=subprocess.PIPE,
            text=True,
        )
        if done.returncode == 0:
            return None
        found = re.search(r"No matching distribution found for (\S+==\S+)", done.stderr)
        if not found:
            raise SystemExit(done.stderr)
        return found[1]


def write_pins(path: Path, content: str, pins: list[str]) -> None:
    """Writes a constraints file with its header."""
    header = f"# Written by `make constraints` ({content}); do not edit."
    path.write_text("\n".join([header, *pins, ""]), "utf-8")
    print(f"{path.name}: {len(pins)} packages")


def main(versions: list[str]) -> None:
    """Writes ``pyX.Y.txt`` for each Python version, and ``docs.txt`` for all of them."""
    project = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    tests = [*project["dependencies"]]
    for name, requirements in extras.items():
        if name != "docs":
            tests += [item for item in requirements if not item.startswith(project["name"])]
    with tempfile.TemporaryDirectory() as folder:
        resolver = Resolver(Path(folder))
        for version in versions:
            pins = resolver.resolve(tests, version)
            write_pins(FOLDER / f"py{version}.txt", f"extra dev, Python {version}", pins)
        pins = resolver.resolve(extras["docs"], versions[0])
        write_pins(FOLDER / "docs.txt", "extra docs, every Python", pins)


if __name__ == "__main__":
    main(sys.argv[1:])
