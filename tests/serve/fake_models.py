"""A manager over a folder of fake models, whose files a test changes between two looks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.errors import ServableError
from modelwright.serve.config import ServeConfig
from modelwright.serve.lifecycle.links import check_inside
from modelwright.serve.lifecycle.loading import LoadedVersion
from modelwright.serve.lifecycle.manager import Manager
from modelwright.serve.lifecycle.signatures import Signature, TensorSpec


class Fake:
    """A fake model that adds one; a folder with a file ``bad`` cannot be loaded."""

    def __init__(self, folder: Path) -> None:
        if (folder / "bad").exists():
            raise ServableError(f"{folder} is bad.")
        spec = TensorSpec("x", "DT_FLOAT", (-1,))
        self.signatures = {"serving_default": Signature("predict", {"x": spec}, {"y": spec})}
        self.description: dict[str, Any] = {}
        self.content = (folder / "saved_model.pb").read_bytes()
        self.closed = False

    def run(self, signature: str, inputs: Any) -> Any:
        if self.closed:
            raise RuntimeError("used after it was closed")
        return {"y": np.asarray(inputs["x"]) + 1}

    def warm(self) -> int:
        return 0

    def example(self) -> None:
        return None

    def close(self) -> None:
        self.closed = True


class Models:
    """A folder of models that a test changes."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def add(
        self, name: str, version: int | str, *, bad: bool = False, manifest: bool = True
    ) -> Path:
        """Adds a version and returns its folder."""
        folder = self.root / name / str(version)
        folder.mkdir(parents=True)
        (folder / "saved_model.pb").write_bytes(b"")
        if manifest:
            (folder / "modelwright.json").write_text("{}")
        if bad:
            (folder / "bad").touch()
        return folder


def run(models: Models, steps: Callable[[Manager], Awaitable[None]], **config: Any) -> None:
    """Runs a test with a manager that has looked at the folders once."""

    async def inside() -> None:
        with ThreadPoolExecutor(1) as pool:
            settings = ServeConfig(str(models.root), **config)

            def load(folder: Path, root: Path, _: str) -> LoadedVersion:
                check_inside(root, folder, tuple(map(Path, settings.links)))
                return LoadedVersion(Fake(folder), None)

            manager = Manager(settings, pool, load)
            await manager.step(patient=False)
            await steps(manager)
            await manager.stop()

    asyncio.run(inside())


def live(manager: Manager, name: str = "m") -> list[int]:
    """The versions of a model that answer."""
    return list(manager.models[name].available)
