"""The plot of a training: loss and accuracy of each epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from modelwright.plots.canvas import BLUE, FAINT, ORANGE, clean, figure

_NAMES = {"loss": "Loss", "accuracy": "Accuracy"}


def draw_history(
    path: Path, history: Sequence[Mapping[str, float]], *, best: int | None = None
) -> Path:
    """Draws the loss and accuracy on the training and validation rows.

    Args:
        path: the PNG to write.
        history: one mapping per epoch with ``loss``, ``accuracy``, ``val_loss`` and
            ``val_accuracy``; a missing key is not drawn.
        best: the epoch with the best weights, counted from 1; None marks no epoch.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    columns = {
        key: [float(epoch[key]) for epoch in history if key in epoch]
        for name in _NAMES
        for key in (name, f"val_{name}")
    }
    shown = [key for key in _NAMES if columns[key] or columns[f"val_{key}"]]
    with figure(path, 4.8 * max(1, len(shown)), 3.4) as drawn:
        all_axes = drawn.subplots(1, max(1, len(shown)), squeeze=False)[0]
        for axes, key in zip(all_axes, shown, strict=False):
            for name, label, color in ((key, "train", BLUE), (f"val_{key}", "validation", ORANGE)):
                values = columns[name]
                if values:
                    epochs = range(1, len(values) + 1)
                    marker = "o" if len(values) <= 30 else None
                    axes.plot(epochs, values, color=color, label=label, marker=marker, ms=3.5)
            value = _at(columns[f"val_{key}"] or columns[key], best)
            if best is not None and value is not None:
                axes.axvline(best, color=FAINT, linewidth=1, linestyle=":")
                axes.plot([best], [value], "o", ms=9, mfc="none", mec=FAINT, mew=1.5)
                title = f"{_NAMES[key]}: {value:.4f} at epoch {best}"
            else:
                title = _NAMES[key]
            axes.set_title(title)
            axes.set_xlabel("epoch")
            axes.xaxis.get_major_locator().set_params(integer=True)
            if key == "accuracy":
                axes.yaxis.set_major_formatter("{x:.0%}")
                low, high = axes.get_ylim()
                axes.set_ylim(low, min(high, 1.005))
            clean(axes)
            axes.legend(frameon=False, loc="best")
    return path


def _at(values: Sequence[float], epoch: int | None) -> float | None:
    return values[epoch - 1] if epoch is not None and 1 <= epoch <= len(values) else None
