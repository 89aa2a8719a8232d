"""Reports on backbones: what there is, its license, where the weights lie, how to get them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.backbones.catalog import BACKBONES, Backbone, find_backbone
from modelwright.backbones.files import FoundFile, how_to_get, obtain_file, search_here
from modelwright.core.blocks import Block, Facts, Note, Table
from modelwright.core.errors import DataError
from modelwright.core.report import Report
from modelwright.core.types import Progress

_IMAGENET = """All were trained on ImageNet, whose terms offer its images for non-commercial
research. Whether that binds weights trained on them is not settled; decide for your use."""


@dataclass(frozen=True)
class BackboneReport(Report):
    """One backbone, and where its weights lie on this machine.

    Attributes:
        backbone: What there is.
        found: The file on this machine; None if it is not here.
        problem: What is wrong with a file that was found; empty if nothing is.
    """

    backbone: Backbone
    found: FoundFile | None
    problem: str = ""

    @property
    def where(self) -> str:
        """Where the weights lie, in words."""
        if self.problem:
            return "refused, see below"
        return str(self.found.path) if self.found is not None else "not here"

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON can hold them. Sizes are in millions of bytes, sides in pixels."""
        one, found = self.backbone, self.found
        return {
            "name": one.name,
            "summary": one.summary,
            "megabytes": one.megabytes,
            "parameters": one.parameters,
            "features": one.features,
            "side": one.side,
            "smallest_side": one.smallest,
            "largest_side": one.largest,
            "trained_side": one.trained_side,
            "preprocessing": one.preprocessing,
            "license": one.license,
            "license_from": one.license_from,
            "file": one.file,
            "sha256": found.sha256 if found is not None else one.sha256,
            "md5": one.published.md5 if one.published is not None else None,
            "published": one.origin,
            "path": str(found.path) if found is not None else None,
            "source": found.source if found is not None else None,
            "checked": found.checked if found is not None else None,
            "problem": self.problem or None,
            "how_to_get": how_to_get(one),
        }

    def blocks(self) -> Sequence[Block]:
        """What it is, its license, where it lies, and how to get it."""
        one = self.backbone
        rows: list[tuple[str, object]] = [
            ("what it is", one.summary),
            ("file", f"{one.file}, {one.megabytes:g} MB"),
            ("published", one.origin),
            ("checksum", _checksum(one)),
            ("license", one.license),
            ("stated in", one.license_from),
            (
                "images",
                f"{one.smallest} to {one.largest} pixels a side, usually {one.side}; "
                f"trained on {one.trained_side}",
            ),
            ("pixels", f"{one.preprocessing}, in the network"),
            ("features", f"{one.features:,} from {one.parameters:,} weights"),
            ("where it lies", self._place()),
        ]
        notes: list[Block] = [Note(self.problem)] if self.problem else []
        if self.found is None and not self.problem:
            notes = [Note(f"To get it: modelwright backbones get {one.name}\n{how_to_get(one)}")]
        return [Facts(one.name, rows), *notes]

    def _place(self) -> str:
        if self.found is None:
            return self.where
        checked = (
            "no checksum is published for it"
            if self.found.checked == "nothing"
            else (f"{self.found.checked} checked")
        )
        return f"{self.found.path} ({self.found.source}; {checked})"


@dataclass(frozen=True)
class BackbonesReport(Report):
    """All backbones."""

    backbones: tuple[BackboneReport, ...]

    def to_dict(self) -> dict[str, Any]:
        """All backbones as JSON can hold them."""
        return {"backbones": [one.to_dict() for one in self.backbones]}

    def blocks(self) -> Sequence[Block]:
        """The table, then what is behind the licenses and how to get what is not here."""
        sources = list(dict.fromkeys(one.backbone.license_from for one in self.backbones))
        rows = [
            (
                one.backbone.name,
                f"{one.backbone.megabytes:g}",
                f"{one.backbone.license} ({sources.index(one.backbone.license_from) + 1})",
                one.where,
            )
            for one in self.backbones
        ]
        notes = [f"{number}: {text}" for number, text in enumerate(sources, 1)]
        notes.append(" ".join(_IMAGENET.split()))
        notes += [one.problem for one in self.backbones if one.problem]
        if any(one.found is None for one in self.backbones):
            notes.append(
                "To get one: modelwright backbones get NAME. Without a network: "
                "modelwright backbones NAME says what to put where."
            )
        return [Table(("backbone", "MB", "license", "where it lies"), rows), Note("\n".join(notes))]


def list_backbones() -> BackbonesReport:
    """Returns all backbones, and where their weights lie. Reaches no network."""
    return BackbonesReport(tuple(_report(one) for one in BACKBONES.values()))


def show_backbone(name: str) -> BackboneReport:
    """Returns one backbone, and where its weights lie. Reaches no network.

    Raises:
        ConfigError: There is no backbone of that name.
    """
    return _report(find_backbone(name))


def fetch_backbone(
    name: str, *, folder: Path | None = None, progress: Progress | None = None
) -> BackboneReport:
    """Finds the weights of a backbone, downloads them if necessary, and checks them.

    Args:
        name: Name of the backbone.
        folder: Folder or file to search first.
        progress: Called during downloads.

    Example:
        ``print(fetch_backbone("efficientnet-lite0").render())``

    Raises:
        ConfigError: There is no backbone of that name.
        DataError: The weights were found nowhere, or are not the published ones.
    """
    backbone = find_backbone(name)
    return BackboneReport(backbone, obtain_file(backbone, folder=folder, progress=progress))


def _report(backbone: Backbone) -> BackboneReport:
    try:
        return BackboneReport(backbone, search_here(backbone, None)[0])
    except DataError as error:
        return BackboneReport(backbone, None, str(error))


def _checksum(backbone: Backbone) -> str:
    if backbone.sha256 is not None:
        return f"sha256 {backbone.sha256}"
    md5 = backbone.published.md5 if backbone.published is not None else None
    return f"md5 {md5}; its publisher states no sha256"
