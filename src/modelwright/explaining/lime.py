"""The method ``lime``: the package of that name, with the segments of this project.

A line is fitted to the answers without some segments, drawn at random, of which those that keep
more count more (Ribeiro et al. 2016, arXiv:1602.04938). Sampling, weighting and fit are the
package's; three things are not:

- The segments. The package splits texts at characters that are no letters, which leaves a Chinese
  sentence whole, and finds one to three superpixels in an image of 32x32 pixels. Here a word is a
  word in either language. An image has the grid of its other methods, because superpixels are no
  rectangles.
- What stands in the place of a segment that is taken out: what the row says, as for all methods.
- The package draws a progress bar for each image, which cannot be switched off.

As in the package, all occurrences of a word are taken out together and share a weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelwright.core.errors import MissingDependencyError
from modelwright.core.types import FloatArray, IntArray, Task
from modelwright.explaining.method import MaskableRow, TextSegment, Weights

SAMPLES = 300
"""Number of masked inputs. The package's own are 5,000 for a text and 1,000 for an image."""
_ALL = 1_000_000


@dataclass(frozen=True)
class Lime:
    """Weights from the package ``lime``, which is in the extra ``explain``."""

    name: str = "lime"
    tasks: tuple[Task, ...] = ("text", "image")
    random: bool = True
    needs_gradients: bool = False
    samples: int = SAMPLES

    def weigh(self, row: MaskableRow, label: int, seed: int) -> Weights:
        """Returns the weight of each segment for a label; its fidelity is the weighted R².

        Raises:
            MissingDependencyError: the package is not installed.
        """
        groups = _groups(row)
        if isinstance(row.segments[0], TextSegment):
            fit, features = self._fit_text(row, groups, label, seed), groups
        else:
            fit, features = self._fit_image(row, label, seed), groups
        values = np.zeros(int(groups.max()) + 1, np.float32)
        for feature, weight in fit.local_exp[label]:
            values[feature] = weight
        return Weights(
            values[features],
            fidelity=float(fit.score),
            details={"samples": self.samples, "features": len(values)},
        )

    def _fit_text(self, row: MaskableRow, groups: IntArray, label: int, seed: int) -> Any:
        """Explains a text in which each group of segments is one word, its number."""
        try:
            from lime.lime_text import LimeTextExplainer
        except ImportError as error:
            raise _missing(error) from None
        words = [str(number) for number in range(int(groups.max()) + 1)]

        def answer(texts: Sequence[str]) -> FloatArray:
            kept = np.zeros((len(texts), len(words)), bool)
            for at, text in enumerate(texts):
                kept[at, [int(word) for word in str(text).split()]] = True
            return row.answer(kept[:, groups])

        explainer = LimeTextExplainer(split_expression=r"\s+", bow=True, random_state=seed)
        return explainer.explain_instance(
            " ".join(words), answer, labels=(label,), num_features=_ALL, num_samples=self.samples
        )

    def _fit_image(self, row: MaskableRow, label: int, seed: int) -> Any:
        """Explains an image of one pixel for each segment."""
        try:
            from lime.lime_image import LimeImageExplainer
        except ImportError as error:
            raise _missing(error) from None

        class Explainer(LimeImageExplainer):  # type: ignore[misc]  # the package has no types
            """Answers all samples in one call and without a progress bar."""

            def data_labels(
                self, image: Any, _: Any, __: Any, answer: Any, samples: int, **___: Any
            ) -> tuple[Any, Any]:
                size = (samples, image.shape[1])
                data = self.random_state.randint(0, 2, samples * image.shape[1]).reshape(size)
                data[0, :] = 1
                return data, answer(data.astype(bool))

        count = len(row.segments)
        numbers = np.arange(count)[None]
        return Explainer(random_state=seed).explain_instance(
            np.zeros((1, count, 3)),
            row.answer,
            labels=(label,),
            top_labels=None,
            hide_color=0,
            num_features=_ALL,
            num_samples=self.samples,
            segmentation_fn=lambda _: numbers,
            random_seed=seed,
        )


def _groups(row: MaskableRow) -> IntArray:
    """Returns the feature of each segment, int64 ``[segments]``: equal words share one."""
    number: dict[object, int] = {}
    return np.array(
        [
            number.setdefault(one.text if isinstance(one, TextSegment) else one, len(number))
            for one in row.segments
        ],
        np.int64,
    )


def _missing(error: ImportError) -> MissingDependencyError:
    return MissingDependencyError(
        f"the method 'lime' needs {error.name or 'lime'}, which is not installed; install with:"
        " pip install 'modelwright[explain]', or choose another --method."
    )


METHOD = Lime()
