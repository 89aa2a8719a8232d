"""Random augmentation of whole batches of images, in numpy, so that it works with any backend.

What happens to a batch follows from the seeds that are given, so a resumed training sees the same
images. Each kind of augmentation has random numbers of its own: to add one to a training does not
change what the others do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from modelwright.core.types import FloatArray, UInt8Array
from modelwright.training.resampling import resample

_ROTATION, _ZOOM, _BRIGHTNESS, _CONTRAST, _CUTOUT, _MIXUP = range(1, 7)
_ONE = 256  # shares of mixed images are multiples of 1/256, so that labels have the same shares
_NO_CHANGE = np.arange(256, dtype=np.float32)


@dataclass(frozen=True)
class Mixing:
    """How the images of a batch are mixed.

    Attributes:
        share: ``[n, 1]``, the share of the row itself, 0.5 to 1.
        partner: ``[n]``, position in the batch of the row that has the rest.
    """

    share: FloatArray
    partner: npt.NDArray[np.int64]

    def mix_labels(self, targets: npt.NDArray[Any]) -> FloatArray:
        """Returns targets ``[n, k]`` with the shares of the mixed images."""
        mixed = targets * self.share + targets[self.partner] * (1 - self.share)
        return mixed.astype(np.float32)

    def mix_images(self, images: UInt8Array) -> UInt8Array:
        """Returns the mixed images, uint8 ``[n, h, w, c]``."""
        own = np.rint(self.share * _ONE).astype(np.uint16)[:, :, None, None]
        mixed = images * own
        mixed += images[self.partner] * (np.uint16(_ONE) - own)
        mixed += np.uint16(_ONE // 2)
        mixed >>= np.uint16(8)
        return mixed.astype(np.uint8)


@dataclass(frozen=True)
class Augmentation:
    """What happens to the images of a training batch. The default changes nothing.

    Attributes:
        kind: ``none``, ``flip``, ``crop`` or ``flip+crop``.
        shift: the largest shift of ``crop``, as a share of each side.
        rotation: the largest rotation either way, as a share of a full turn.
        zoom: the largest magnification or reduction, as a share of the size.
        brightness: the largest change of all pixels, as a share of white.
        contrast: the largest change of the distances from the mean gray, as a share of them.
        cutout: side of the square that is covered, as a share of each side.
        mixup: parameter of the Beta distribution of the share of another image.
    """

    kind: str = "none"
    shift: float = 0.125
    rotation: float = 0.0
    zoom: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    cutout: float = 0.0
    mixup: float = 0.0

    @classmethod
    def from_options(cls, options: Any) -> Self:
        """Returns the augmentation in a network's options. Those of text models have none."""
        fields = {name: name for name in cls.__dataclass_fields__}
        fields["kind"] = "augment"
        given = {name: getattr(options, key, None) for name, key in fields.items()}
        return cls(**{name: value for name, value in given.items() if value is not None})

    @property
    def changes_nothing(self) -> bool:
        """Whether batches stay as they are."""
        return self == replace(type(self)(), shift=self.shift)

    def kinds(self) -> dict[str, Self]:
        """Returns each kind of augmentation alone, by its name."""
        nothing = type(self)(shift=self.shift)
        flags = {
            name: replace(nothing, kind=name) for name in ("flip", "crop") if name in self.kind
        }
        names = [name for name in type(self).__dataclass_fields__ if name not in ("kind", "shift")]
        given = {name: getattr(self, name) for name in names if getattr(self, name)}
        return {**flags, **{name: replace(nothing, **{name: v}) for name, v in given.items()}}

    def apply(
        self, images: UInt8Array, seeds: Sequence[int], mirrored: npt.NDArray[np.bool_]
    ) -> tuple[UInt8Array, Mixing | None]:
        """Returns an augmented copy of a batch, and how its rows were mixed.

        Args:
            images: uint8 ``[n, h, w, c]``; not changed.
            seeds: what the random numbers follow from.
            mirrored: bool ``[n]``, the images that ``flip`` mirrors.
        """
        random = np.random.default_rng(list(seeds))
        images = augment(images, self.kind, random, mirrored=mirrored, shift=self.shift)
        count = len(images)
        if self.rotation or self.zoom:
            turns = _uniform(seeds, _ROTATION, self.rotation, count)
            images = resample(images, turns, 1 + _uniform(seeds, _ZOOM, self.zoom, count))
        if self.brightness or self.contrast:
            added = 255 * _uniform(seeds, _BRIGHTNESS, self.brightness, count)
            factor = 1 + _uniform(seeds, _CONTRAST, self.contrast, count)
            images = _change_light(images, added, factor)
        if self.cutout:
            images = _cover_squares(images, self.cutout, _generator(seeds, _CUTOUT))
        mixing = self._draw_mixing(_generator(seeds, _MIXUP), count) if self.mixup else None
        return (mixing.mix_images(images) if mixing else images), mixing

    def _draw_mixing(self, random: np.random.Generator, count: int) -> Mixing:
        # Zhang et al. (arXiv:1710.09412). The larger share is the row's own: the pairs are random,
        # so this changes no distribution, and the label of a row stays its most likely one.
        share = random.beta(self.mixup, self.mixup, (count, 1))
        share = np.rint(np.maximum(share, 1 - share) * _ONE) / _ONE
        return Mixing(share.astype(np.float32), random.permutation(count))


def augment(
    images: UInt8Array,
    kind: str,
    random: np.random.Generator,
    *,
    mirrored: npt.NDArray[np.bool_],
    shift: float,
) -> UInt8Array:
    """Returns a mirrored and shifted copy of a batch.

    Args:
        images: uint8 ``[n, h, w, c]``; not changed.
        kind: ``none``, ``flip`` (mirrors some images left to right), ``crop`` (shifts each image
            and reflects its border), or ``flip+crop``.
        random: the only source of randomness.
        mirrored: bool ``[n]``, the images to mirror.
        shift: the largest shift, as a share of each side.
    """
    if kind == "none":
        return images
    count, height, width, channels = images.shape
    columns = np.broadcast_to(np.arange(width), (count, width))
    rows = np.broadcast_to(np.arange(height), (count, height))
    if "crop" in kind:
        rows = _reflect(rows + _random_shifts(random, count, int(height * shift)), height)
        columns = _reflect(columns + _random_shifts(random, count, int(width * shift)), width)
    if "flip" in kind:
        columns = np.where(mirrored[:, None], columns[:, ::-1], columns)
    # One flat index takes a fifth of the time that one index for each axis takes.
    lines = (np.arange(count)[:, None] * height + rows) * width
    pixels = (lines[:, :, None] + columns[:, None, :]).reshape(-1)
    augmented: UInt8Array = images.reshape(-1, channels).take(pixels, axis=0)
    return augmented.reshape(images.shape)


def _random_shifts(random: np.random.Generator, count: int, largest: int) -> np.ndarray:
    return random.integers(-largest, largest + 1, size=(count, 1))


def _reflect(positions: np.ndarray, side: int) -> np.ndarray:
    positions = np.abs(positions)
    return np.where(positions >= side, 2 * (side - 1) - positions, positions)


def _generator(seeds: Sequence[int], kind: int) -> np.random.Generator:
    return np.random.default_rng([*seeds, kind])


def _uniform(seeds: Sequence[int], kind: int, largest: float, count: int) -> FloatArray:
    drawn = _generator(seeds, kind).uniform(-largest, largest, count) if largest else 0.0
    return np.full(count, drawn, np.float32)


def _change_light(images: UInt8Array, added: FloatArray, factor: FloatArray) -> UInt8Array:
    """Returns images whose distances from their mean gray are scaled, and ``added`` to the result.

    Each image has a table of the new value of each old one, which is several times as fast as
    arithmetic with every pixel.
    """
    count = len(images)
    flat = images.reshape(count, -1)
    gray = flat.mean(axis=1, dtype=np.float32)
    values = gray[:, None] + (_NO_CHANGE - gray[:, None]) * factor[:, None] + added[:, None]
    tables = np.clip(np.rint(values), 0, 255).astype(np.uint8).reshape(-1)
    places = flat + np.arange(count, dtype=np.int32)[:, None] * np.int32(256)
    changed: UInt8Array = tables.take(places).reshape(images.shape)
    return changed


def _cover_squares(images: UInt8Array, side: float, random: np.random.Generator) -> UInt8Array:
    """Returns images of which a square is covered with the mean color of the image.

    The square's center is anywhere, so part of the square may be outside (DeVries and Taylor,
    arXiv:1708.04552).
    """
    count, height, width, channels = images.shape
    rows, columns = (_covered(length, side, random, count) for length in (height, width))
    # Lines are added first, whose values lie side by side.
    sums = images.reshape(count, height, -1).sum(axis=1, dtype=np.uint32)
    colors = sums.reshape(count, width, channels).sum(axis=1) / (height * width)
    places = np.flatnonzero(rows[:, :, None] & columns[:, None, :])
    changed = images.copy()
    changed.reshape(-1, channels)[places] = np.rint(colors).astype(np.uint8)[
        places // (height * width)
    ]
    return changed


def _covered(
    length: int, side: float, random: np.random.Generator, count: int
) -> npt.NDArray[np.bool_]:
    """Returns which positions of a side the square covers, ``[n, length]``."""
    size = max(1, round(length * side))
    start = random.integers(0, length, (count, 1)) - size // 2
    positions = np.arange(length)
    return (positions >= start) & (positions < start + size)
