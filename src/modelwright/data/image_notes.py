"""Counts what is unusual about the files of images, and says it in notes."""

from __future__ import annotations

from dataclasses import dataclass, field

from modelwright.core.image_limits import NOT_SERVED
from modelwright.data.image_files import format_of, other_format
from modelwright.data.served_images import serving_problem


@dataclass(frozen=True)
class ImageFacts:
    """What is unusual about one file: see ``find_facts``."""

    orientation: int = 1
    other_format: str | None = None
    problem: str | None = None


USUAL = ImageFacts()


def find_facts(name: str, data: bytes, orientation: int) -> ImageFacts:
    """Returns what is unusual about a file.

    Args:
        name: Name of the file, or where it came from.
        data: Its content.
        orientation: Its EXIF orientation, 1 to 8.
    """
    problem = serving_problem(data)
    if problem == NOT_SERVED:
        problem = f"{format_of(data)} files"
    facts = ImageFacts(orientation, other_format(name, data), problem)
    return USUAL if facts == USUAL else facts


@dataclass
class ImageNotes:
    """The counts over all files of a source, each with the first file as an example."""

    orient: bool
    turned: int = 0
    others: dict[str, list[str]] = field(default_factory=dict)
    problems: dict[str, list[str]] = field(default_factory=dict)

    def add(self, name: str, facts: ImageFacts) -> None:
        """Counts one file."""
        if facts is USUAL:
            return
        self.turned += facts.orientation > 1
        if facts.other_format:
            self.others.setdefault(facts.other_format, []).append(name)
        if facts.problem:
            self.problems.setdefault(facts.problem, []).append(name)

    def notes(self) -> list[str]:
        """Returns a note for each kind of thing that was found."""
        notes = []
        if self.turned and self.orient:
            one = self.turned == 1
            notes.append(
                f"{self.turned:,} {'image is' if one else 'images are'} turned as "
                f"{'its' if one else 'their'} EXIF orientation says; data.orientation = false "
                f"leaves {'it as it is' if one else 'them as they are'} stored"
            )
        elif self.turned:
            notes.append(
                f"images with an EXIF orientation, not turned, as data.orientation says: "
                f"{self.turned:,}"
            )
        for kind, names in self.others.items():
            notes.append(
                f"files that hold a {kind} image although their names end otherwise, read by their "
                f"content: {len(names):,}, such as {names[0]}"
            )
        for problem, names in self.problems.items():
            notes.append(
                f"files that a servable refuses, so that clients must convert them ({problem}): "
                f"{len(names):,}, such as {names[0]}"
            )
        return notes
