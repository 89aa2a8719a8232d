"""The names of the backbones, and the sides of images that they take. Loads no framework."""

from __future__ import annotations

from modelwright.core.errors import ConfigError
from modelwright.core.nearest import nearest

LITE = ("efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2")
KERAS = ("efficientnetv2-b0", "mobilenetv3-large", "mobilenetv3-small")
BACKBONE_NAMES: tuple[str, ...] = (*LITE, *KERAS)
DEFAULT_BACKBONE = "efficientnet-lite0"
USUAL_SIDE = 160
SMALLEST_SIDE = 32
"""Five layers halve the sides, so that smaller images end before the network does."""
LARGEST_SIDE = 1024


def check_backbone(name: str) -> None:
    """Checks a name.

    Raises:
        ConfigError: There is no backbone of that name.
    """
    if name not in BACKBONE_NAMES:
        meant = name.lower().replace("_", "-")
        inside = [one for one in BACKBONE_NAMES if meant and meant in one]
        hint = nearest(inside[0] if len(inside) == 1 else meant, BACKBONE_NAMES)
        raise ConfigError(
            f"'{name}' is not a backbone.{hint} Backbones: {', '.join(BACKBONE_NAMES)}."
        )


def check_side(name: str, side: int) -> None:
    """Checks that a backbone takes images of a side.

    Raises:
        ConfigError: The side is too small or too large.
    """
    if not SMALLEST_SIDE <= side <= LARGEST_SIDE:
        raise ConfigError(
            f"images of {side} pixels a side were asked for; {name} takes {SMALLEST_SIDE} to "
            f"{LARGEST_SIDE}. {USUAL_SIDE} is the usual side."
        )
