"""Which files of a folder are a deployment's, so that nothing else is ever written over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from modelwright.core import files
from modelwright.core.errors import ConfigError

RECORD = ".modelwright-deploy"
"""JSON, but not called so: 'kubectl apply -f FOLDER' reads every file whose name ends in .json."""


@dataclass
class Record:
    """The files that earlier calls wrote into a folder, with their checksums."""

    folder: Path
    written: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Record:
        """Of a folder, which need not exist.

        Raises:
            ConfigError: the path is not a folder, or its record cannot be read.
        """
        if folder.exists() and not folder.is_dir():
            raise ConfigError(f"{folder} is a file; expected a folder to write into.")
        path = folder / RECORD
        try:
            found = json.loads(path.read_text("utf-8"))
            return cls(folder, {str(name): str(digest) for name, digest in found.items()})
        except FileNotFoundError:
            return cls(folder)
        except (OSError, ValueError, AttributeError) as error:
            raise ConfigError(
                f"{path} cannot be read: {type(error).__name__} {error}; delete it to have its"
                " files taken for your own."
            ) from None

    def foreign(self, names: Mapping[str, str]) -> list[str]:
        """Those of the names that are there, and were not written by this or changed since."""
        problems = []
        for name, content in names.items():
            path = self.folder / name
            if path.is_symlink() or (path.exists() and not path.is_file()):
                problems.append(f"{name} is not a plain file")
            elif path.is_file() and path.read_bytes() != content.encode():
                if name not in self.written:
                    problems.append(f"{name} was there before")
                elif files.sha256_file(path) != self.written[name]:
                    problems.append(f"{name} has changed since it was written")
        return problems

    def write(self, contents: Mapping[str, str]) -> None:
        """Write the files, each whole or not at all, then the record."""
        for name, content in contents.items():
            files.write_text(self.folder / name, content)
            self.written[name] = files.sha256_file(self.folder / name)
        files.write_json(self.folder / RECORD, dict(sorted(self.written.items())))
