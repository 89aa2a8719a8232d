"""The options of each builder: the keys of ``[model]``. Loads no framework."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field

from modelwright.core.config import Fraction, Positive, Table

MOST_BUCKETS = 2**23
"""The multiplications that find a bucket stay below 2**31 up to this number."""
_USUAL_BUCKETS = 2**22
_MOST_WEIGHTS = 2**26
"""Buckets times classes up to which the usual number of buckets is kept."""
_CHOSEN_WEIGHTS = 2**25
"""Buckets times classes where the number of buckets is chosen: 128 MiB for each variable."""
_FEWEST_BUCKETS = 2**12
Units = Annotated[list[Positive], Field(min_length=1, max_length=8)]


class ImageOptions(Table):
    """Options of all image models."""

    read_only_with: ClassVar[Mapping[str, tuple[str, tuple[Any, ...]]]] = {
        "shift": ("augment", ("crop", "flip+crop")),
    }

    augment: Literal["none", "flip", "crop", "flip+crop"] = "none"
    """Augmentation in training: images mirrored left to right every other epoch, and shifted."""
    shift: Annotated[float, Field(gt=0, le=0.5)] = 0.125
    """Largest shift of ``crop`` and ``flip+crop``, as a share of the image's side."""
    rotation: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Largest rotation either way, as a share of a full turn. 0.1 is 36 degrees."""
    zoom: Annotated[float, Field(ge=0, le=0.9)] = 0.0
    """Largest magnification or reduction, as a share of the size."""
    brightness: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Largest change of all pixels, as a share of white."""
    contrast: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Largest change of the distances from the image's mean gray, as a share of them."""
    cutout: Fraction = 0.0
    """Side of a square that is covered, as a share of the image's side."""
    mixup: Annotated[float, Field(ge=0, le=10)] = 0.0
    """Mixes pairs of images and their labels. The Beta distribution's parameter. 0 mixes none."""


class TextOptions(Table):
    """Options of all text models: those of the tokenizer."""

    vocabulary: Annotated[int, Field(ge=3, le=1_000_000)] = 10_000
    """Number of token ids, including those of padding and of unknown tokens."""
    length: Annotated[int, Field(ge=1, le=4096)] = 200
    """Number of tokens of a text that the network reads."""
    tokens: Literal["auto", "word", "char", "auto-clusters", "char-clusters"] = "auto"
    """word splits at spaces; char makes every character a token; auto makes every Han or Kana
    character a token and splits the rest at spaces. With -clusters, a character is a letter with
    its combining marks, and auto also splits the other scripts that are written without spaces.
    A training chooses the clusters by itself if its texts need them."""
    ngrams: Annotated[int, Field(ge=1, le=4)] = 1
    """Length of the longest run of tokens that also counts as a token."""
    keep: Literal["start", "end"] = "end"
    """Part of a text longer than ``length`` that the network reads."""

    @property
    def any_length(self) -> bool:
        """Whether padding does not affect the output, so that training may leave it out."""
        return False

    def unpadded(self) -> Self:
        """Returns options of a network with the same weights, for rows without padding."""
        return self

    def for_classes(self, classes: int) -> Mapping[str, int]:
        """Returns the options that a training with so many classes changes, with their values."""
        return {}

    @property
    def solved(self) -> bool:
        """Whether a solver finds the weights, in place of steps."""
        return False


class CnnOptions(ImageOptions):
    """``cnn``: convolutions with pooling between them, then two dense layers."""

    filters: Units = Field(default=[32, 64, 128])
    units: Positive = 128
    dropout: Fraction = 0.0
    """Dropout rate before the last layer. Half of it is used before the dense layer above."""
    batch_norm: bool = False


class WhitenedOptions(ImageOptions):
    """``whitened``: a frozen whitening layer, groups of convolutions, one dense layer."""

    widths: Units = Field(default=[64, 256, 256])
    """Filters of each group. Each group halves the image's sides."""
    depth: Annotated[int, Field(ge=1, le=3)] = 2
    """3x3 convolutions of each group. The input of the third is added to its output."""
    activation: Literal["silu", "gelu", "relu"] = "silu"
    scale: Annotated[float, Field(gt=0)] = 1 / 9
    """Factor on the input of the last layer. A smaller one makes the first steps smaller."""
    bias: bool = False
    """Whether the last layer has a bias. A network that learned a new class has one."""


class PretrainedOptions(ImageOptions):
    """``pretrained``: a pretrained backbone, one dense layer."""

    read_only_with: ClassVar[Mapping[str, tuple[str, tuple[Any, ...]]]] = {
        **ImageOptions.read_only_with,
        "block_rate": ("finetune", ()),
        "rotation": ("finetune", ()),
        "zoom": ("finetune", ()),
        "brightness": ("finetune", ()),
        "contrast": ("finetune", ()),
        "cutout": ("finetune", ()),
        "mixup": ("finetune", ()),
    }

    backbone: str = "efficientnet-lite0"
    """Name of the backbone, as ``modelwright backbones`` lists them."""
    folder: str = ""
    """Folder to search first for the backbone's file."""
    side: Annotated[int, Field(ge=32, le=1024)] = 160
    """Side, in pixels, to which smaller images are enlarged in the network."""
    finetune: Annotated[int, Field(ge=0)] = 0
    """Number of the backbone's last blocks that are trained after the dense layer is solved."""
    block_rate: Annotated[float, Field(gt=0, le=1)] = 0.7
    """Learning rate of a block, as a multiple of that of the block or layer after it."""

    @property
    def solved(self) -> bool:
        """Whether a solver finds the dense layer, before any step."""
        return True

    @property
    def steps_follow(self) -> bool:
        """Whether the optimizer takes steps after the solver."""
        return self.finetune > 0


class BilstmOptions(TextOptions):
    """``bilstm``: embedding, bidirectional recurrent layers, two dense layers."""

    embedding: Positive = 64
    units: Units = Field(default=[64, 32])
    dense: Positive = 24
    cell: Literal["lstm", "gru"] = "lstm"
    masking: bool = True
    """Whether padding is skipped. Otherwise the last steps of a short text are padding."""
    dropout: Fraction = 0.0
    """Dropout rate of whole coordinates of the embedding, and before the last layer."""
    pooling: Literal["last", "max"] = "last"
    """Output of the last recurrent layer: its last state, or the maximum over time."""

    @property
    def any_length(self) -> bool:
        """Masked padding is skipped."""
        return self.masking

    def unpadded(self) -> Self:
        """Returns options without the mask, which makes each step slower."""
        return self.model_copy(update={"masking": False})


class ContextOptions(TextOptions):
    """The options of networks that can learn from unlabeled texts."""

    read_only_with: ClassVar[Mapping[str, tuple[str, tuple[Any, ...]]]] = {
        "region": ("context", ()),
    }

    context: Annotated[int, Field(ge=0)] = 0
    """Size of the context vectors, which are learned from the texts alone. 0 for none."""
    region: Annotated[int, Field(ge=1, le=15)] = 5
    """Number of tokens in the region of a context vector."""

    @property
    def any_length(self) -> bool:
        """Padding does not affect the output."""
        return True

    @property
    def learns_from_texts(self) -> bool:
        """Whether the network can use texts without labels."""
        return self.context > 0


class TextcnnOptions(ContextOptions):
    """``textcnn``: convolutions over runs of tokens, their maximum and sum, one dense layer."""

    embedding: Positive = 100
    widths: Units = Field(default=[3])
    """Number of tokens that each convolution reads."""
    filters: Positive = 256
    """Filters of each convolution."""
    dropout: Fraction = 0.5
    """Dropout rate before the last layer. Half of it is used after the embedding."""


class RegionsOptions(ContextOptions):
    """``regions``: a weight for each token, position and filter, the maximum, one dense layer."""

    known: Annotated[int, Field(ge=3)] = 30_000
    """Number of token ids with their own weights. The others count as unknown tokens."""
    width: Annotated[int, Field(ge=1, le=15)] = 3
    """Number of tokens that a filter reads."""
    filters: Positive = 500
    dropout: Fraction = 0.5
    """Dropout rate before the last layer."""


class NgramFeatureOptions(TextOptions):
    """The options of the n-grams of a text, and of their naive-Bayes log-count ratios."""

    longest: Annotated[int, Field(ge=1, le=5)] = 3
    """Number of tokens in the longest n-grams. Shorter ones are used too."""
    buckets: Annotated[int, Field(ge=16, le=MOST_BUCKETS)] = _USUAL_BUCKETS
    """Number of buckets to which n-grams are hashed. Each has a weight per class. With many
    classes, a training replaces the default by a smaller number."""
    min_count: Annotated[int, Field(ge=0)] = 4
    """A bucket that occurs in fewer training rows is ignored."""
    smoothing: Annotated[float, Field(gt=0)] = 1.0
    """Added to every count before the ratios are computed."""

    @property
    def any_length(self) -> bool:
        """Padding makes no n-grams."""
        return True

    def for_classes(self, classes: int) -> Mapping[str, int]:
        """Returns fewer buckets, and a vocabulary that fits, where the classes are many."""
        columns = 1 if classes == 2 else classes
        if self.buckets != _USUAL_BUCKETS or self.buckets * columns <= _MOST_WEIGHTS:
            return {}
        buckets = max(_CHOSEN_WEIGHTS // columns, _FEWEST_BUCKETS)
        # Every token has a bucket of its own, and n-grams need as many again.
        fits = 2 * self.vocabulary <= buckets
        return {"buckets": buckets} if fits else {"buckets": buckets, "vocabulary": buckets // 2}


class NgramsOptions(NgramFeatureOptions):
    """``ngrams``: a weight for every n-gram, scaled by how much it tells of the classes."""

    fit: Literal["steps", "solver"] = "steps"
    """solver finds the optimum of the weights for the training rows. steps takes the steps of the
    optimizer, on n-grams scaled by their naive-Bayes log-count ratios."""

    @property
    def solved(self) -> bool:
        """The network is linear, so a solver can find its weights."""
        return self.fit == "solver"

    @property
    def learns_from_texts(self) -> bool:
        """A solved network can teach itself from texts without labels."""
        return self.solved


class CommitteeOptions(NgramFeatureOptions, RegionsOptions):
    """``committee``: the networks ``ngrams`` and ``regions`` over the same token ids. Each learns
    alone; the output is their mean."""

    pace: Annotated[float, Field(gt=0)] = 3.0
    """How far a step moves the scores of ``ngrams``. That network alone has 100."""

    @property
    def any_length(self) -> bool:
        """Padding affects neither network."""
        return True


class CustomOptions(ImageOptions, TextOptions):
    """``custom``: a user's function ``function(shape, classes, **options) -> keras.Model``."""

    function: Annotated[str, Field(pattern=r"^[\w.]+:\w+$")]
    options: dict[str, Any] = Field(default_factory=dict)
