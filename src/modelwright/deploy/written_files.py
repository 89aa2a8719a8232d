"""Records which files of a folder a deployment wrote, so that it overwrites no others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from modelwright.core import files
from modelwright.core.errors import ConfigError

RECORD_FILE = ".modelwright-deploy"
"""JSON without that suffix, because 'kubectl apply -f FOLDER' reads every .json file."""


@dataclass
class DeployRecord:
    """The files that earlier calls wrote into a folder, with their checksums."""

    folder: Path
    written: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read_folder(cls, folder: Path) -> DeployRecord:
        """Reads the record of a folder, which may be missing.

        Raises:
            ConfigError: the path is not a folder, or its record cannot be read.
        """
        if folder.exists() and not folder.is_dir():
            raise ConfigError(f"{folder} is a file; expected a folder to write into.")
        path = folder / RECORD_FILE
        try:
            record = json.loads(path.read_text("utf-8"))
            return cls(folder, {str(name): str(digest) for name, digest in record.items()})
        except FileNotFoundError:
            return cls(folder)
        except (OSError, ValueError, AttributeError) as error:
            raise ConfigError(
                f"{path} cannot be read: {type(error).__name__} {error}; delete it, and its files"
                " count as your own."
            ) from None

    def conflicts(self, contents: Mapping[str, str]) -> list[str]:
        """Returns a line for each file that exists and is not as an earlier call wrote it."""
        problems = []
        for name, content in contents.items():
            path = self.folder / name
            if path.is_symlink() or (path.exists() and not path.is_file()):
                problems.append(f"{name} is not a plain file")
            elif path.is_file() and path.read_bytes() != content.encode():
                if name not in self.written:
                    problems.append(f"{name} was there before")
                elif files.sha256_file(path) != self.written[name]:
                    problems.append(f"{name} has changed since it was written")
        return problems

    def write_files(self, contents: Mapping[str, str]) -> None:
        """Writes each file atomically, then the record."""
        for name, content in contents.items():
            files.write_text(self.folder / name, content)
            self.written[name] = files.sha256_file(self.folder / name)
        files.write_json(self.folder / RECORD_FILE, dict(sorted(self.written.items())))
