"""What answers questions on the nodes of a Ray cluster: an actor that holds one engine.

A node reads the servable where the caller has it, if the same files are there. Otherwise they
travel once through Ray's object store. Questions and answers are Arrow streams.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from modelwright.core.files import changed_files, sha256_file
from modelwright.scoring.questions import CONTENT, PATH, image_batch, read_image
from modelwright.scoring.worker import LocalAnswerer, Setup
from modelwright.servable.manifest import MANIFEST, read_manifest


@dataclass(frozen=True)
class SentServable:
    """A servable as the nodes get it.

    Attributes:
        setup: The engine and its folder, as the caller sees them.
        checksums: The sha256 of each file.
        content: References to the object with the bytes of each file. Ray fetches an object in a
            list only where it is asked for.
    """

    setup: Setup
    checksums: Mapping[str, str]
    content: Sequence[Any]


def send_servable(ray: Any, setup: Setup) -> SentServable:
    """Puts the files of a servable into the object store."""
    folder = setup.servable
    checksums = {**read_manifest(folder).files, MANIFEST: sha256_file(folder / MANIFEST)}
    content = {name: (folder / name).read_bytes() for name in checksums}
    return SentServable(setup, checksums, [ray.put(content)])


class RemoteAnswerer:
    """Answers in a process of a Ray cluster; see ``LocalAnswerer``."""

    def __init__(self, sent: SentServable) -> None:
        """Loads the engine."""
        setup = sent.setup
        if not changed_files(setup.servable, sent.checksums):
            self._answerer = LocalAnswerer(setup)
            return
        import ray

        with tempfile.TemporaryDirectory(prefix="mw-servable-") as place:
            for name, content in ray.get(sent.content[0]).items():
                file = Path(place) / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            # An engine has read its files when it is loaded.
            self._answerer = LocalAnswerer(replace(setup, servable=Path(place)))

    def ready(self) -> bool:
        """Returns True as soon as the engine is loaded."""
        return True

    def ask(self, questions: bytes) -> bytes:
        """Returns the answers to questions, both as an Arrow stream."""
        return to_stream(self._answerer.ask(from_stream(questions)))


def to_stream(batch: Any) -> bytes:
    """Returns a record batch as an Arrow stream. Only its own rows are in it."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue().to_pybytes())


def from_stream(content: bytes) -> Any:
    """Returns the record batch of an Arrow stream."""
    with pa.ipc.open_stream(content) as reader:
        return reader.read_next_batch()


def with_contents(questions: Any) -> Any:
    """Returns questions whose images are bytes, read from their paths; a node lacks the paths.

    A path that cannot be read stays, and its node says why.
    """
    if PATH not in questions.schema.names:
        return questions
    paths = questions.column(PATH).to_pylist()
    contents = questions.column(CONTENT).to_pylist()
    read = [read_image(path, content) for path, content in zip(paths, contents, strict=True)]
    found = [one if isinstance(one, bytes) else None for one in read]
    left = [None if one else path for path, one in zip(paths, found, strict=True)]
    return image_batch(left, found)
