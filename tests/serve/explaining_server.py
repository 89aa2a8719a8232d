"""A server in this process whose explanations come from a real child process."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from in_process import InProcessServer

from modelwright.serve.config import ExplainLimits, RequestLimits
from modelwright.serve.lifecycle.loading import LoadedVersion, load_version
from modelwright.serve.service.api_keys import Access

BOUNDS = ExplainLimits(rows=3, segments=100, seconds=30.0, queue=1)


class ExplainingServer(InProcessServer):
    """One worker over copies of servables, and ``models/half/1``, which nothing explains."""

    def __init__(
        self,
        folder: Path,
        servables: Sequence[Path],
        explain: ExplainLimits | None = BOUNDS,
        *,
        limits: RequestLimits | None = None,
        access: Access | None = None,
    ) -> None:
        for servable in servables:
            shutil.copytree(servable, folder / "models" / servable.parent.name / servable.name)
        super().__init__(folder, explain=explain, limits=limits, access=access)

    @property
    def child(self) -> int:
        """The ID of the running child process."""
        assert self.explanations is not None
        pid = self.explanations.process.pid
        assert pid is not None
        return pid

    def explain(self, body: object, target: str = "sentiment") -> Any:
        """The answer to an ``:explain`` request."""
        import json

        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.send("POST", f"/v1/models/{target}:explain", content)

    def _load(self, folder: Path, *rest: object) -> LoadedVersion:
        if (folder / "modelwright.json").exists():
            return load_version(folder, folder)
        return super()._load(folder, *rest)
