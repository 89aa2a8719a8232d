"""The options of each builder: what ``[model]`` may hold. Loads no framework."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field

from modelwright.core.config import Fraction, Positive, Table

Units = Annotated[list[Positive], Field(min_length=1, max_length=8)]


class ImageOptions(Table):
    """What every picture model has in common."""

    read_only_with: ClassVar[Mapping[str, tuple[str, tuple[Any, ...]]]] = {
        "shift": ("augment", ("flip+crop",)),
    }

    augment: Literal["none", "flip", "flip+crop"] = "none"
    """Of the training batches: mirrored left to right every other epoch, and shifted."""
    shift: Annotated[float, Field(gt=0, le=0.5)] = 0.125
    """Largest shift of ``flip+crop``, as a share of the picture's side."""


class TextOptions(Table):
    """What every text model has in common: its tokeniser."""

    vocabulary: Annotated[int, Field(ge=3, le=1_000_000)] = 10_000
    """Ids in all, with those of padding and of unknown tokens."""
    length: Annotated[int, Field(ge=1, le=4096)] = 200
    """Tokens that the network sees of a text."""
    tokens: Literal["auto", "word", "char"] = "auto"
    """word splits at spaces; char makes every character a token; auto makes every Han or Kana
    character a token and splits the rest at spaces."""
    ngrams: Annotated[int, Field(ge=1, le=4)] = 1
    """Also count runs of up to this many tokens as tokens."""
    keep: Literal["start", "end"] = "end"
    """Which part of a text that is too long the network sees."""

    @property
    def any_length(self) -> bool:
        """Whether padding changes no answer, so that training may leave it out."""
        return False

    def unpadded(self) -> Self:
        """Options of a network with the same weights that is only given rows without padding."""
        return self


class CnnOptions(ImageOptions):
    """``cnn``: convolutions with poolings between, then two dense layers."""

    filters: Units = Field(default=[32, 64, 128])
    units: Positive = 128
    dropout: Fraction = 0.0
    """Before the last layer; half of it before the dense layer above."""
    batch_norm: bool = False


class WhitenedOptions(ImageOptions):
    """``whitened``: a frozen whitening layer, groups of convolutions, one dense layer."""

    widths: Units = Field(default=[64, 256, 256])
    """Filters of each group; each group halves the picture's sides."""
    depth: Annotated[int, Field(ge=1, le=3)] = 2
    """3x3 convolutions of each group; the third is added to what it reads."""
    activation: Literal["silu", "gelu", "relu"] = "silu"
    scale: Annotated[float, Field(gt=0)] = 1 / 9
    """Of what the last layer reads: smaller makes the first steps gentler."""


class BilstmOptions(TextOptions):
    """``bilstm``: embedding, bidirectional recurrent layers, two dense layers."""

    embedding: Positive = 64
    units: Units = Field(default=[64, 32])
    dense: Positive = 24
    cell: Literal["lstm", "gru"] = "lstm"
    masking: bool = True
    """Padding is skipped; without it the last steps of a short text are padding."""
    dropout: Fraction = 0.0
    """Of whole coordinates of the embedding, and before the last layer."""
    pooling: Literal["last", "max"] = "last"
    """What the last recurrent layer hands on: its last state, or the maximum over time."""

    @property
    def any_length(self) -> bool:
        """Masked padding is skipped."""
        return self.masking

    def unpadded(self) -> Self:
        """No mask, which costs each step."""
        return self.model_copy(update={"masking": False})


class TextcnnOptions(TextOptions):
    """``textcnn``: convolutions over runs of tokens, the strongest and the sum, one dense layer."""

    read_only_with: ClassVar[Mapping[str, tuple[str, tuple[Any, ...]]]] = {
        "region": ("context", ()),
    }

    embedding: Positive = 100
    widths: Units = Field(default=[3])
    """Tokens that each convolution looks at."""
    filters: Positive = 256
    """Of each convolution."""
    dropout: Fraction = 0.5
    """Before the last layer; half of it after the embedding."""
    context: Annotated[int, Field(ge=0)] = 0
    """Numbers that say what usually surrounds a place, learned from the texts alone; 0: none."""
    region: Annotated[int, Field(ge=1, le=15)] = 5
    """Tokens of the regions that ``context`` is for."""

    @property
    def any_length(self) -> bool:
        """What is padding counts for nothing."""
        return True

    @property
    def learns_from_texts(self) -> bool:
        """Whether texts without labels are of use."""
        return self.context > 0


class RegionsOptions(TextOptions):
    """``regions``: a weight for each token, place and filter, the strongest, one dense layer."""

    read_only_with: ClassVar[Mapping[str, tuple[str, tuple[Any, ...]]]] = {
        "region": ("context", ()),
    }

    known: Annotated[int, Field(ge=3)] = 30_000
    """Ids that have weights of their own; the others are taken for unknown tokens."""
    width: Annotated[int, Field(ge=1, le=15)] = 3
    """Tokens that a filter looks at."""
    filters: Positive = 500
    dropout: Fraction = 0.5
    """Before the last layer."""
    context: Annotated[int, Field(ge=0)] = 0
    """Numbers that say what usually surrounds a place, learned from the texts alone; 0: none."""
    region: Annotated[int, Field(ge=1, le=15)] = 5
    """Tokens of the regions that ``context`` is for."""

    @property
    def any_length(self) -> bool:
        """What is padding counts for nothing."""
        return True

    @property
    def learns_from_texts(self) -> bool:
        """Whether texts without labels are of use."""
        return self.context > 0


class NgramsOptions(TextOptions):
    """``ngrams``: a weight for every n-gram, scaled by its naive-Bayes log-count ratio."""

    longest: Annotated[int, Field(ge=1, le=5)] = 3
    """Tokens of the longest n-grams; shorter ones count too."""
    buckets: Annotated[int, Field(ge=16, le=2**23)] = 2**22
    """Numbers that n-grams are hashed to; each has two weights a class, one where there are two."""
    min_count: Annotated[int, Field(ge=0)] = 4
    """A bucket of fewer training rows counts for nothing."""
    smoothing: Annotated[float, Field(gt=0)] = 1.0
    """Added to every count before the ratios are taken."""

    @property
    def any_length(self) -> bool:
        """Padding makes no n-grams."""
        return True


class CommitteeOptions(NgramsOptions, RegionsOptions):
    """``committee``: the networks ``ngrams`` and ``regions`` over the same ids, each learning
    alone; the answer is the mean of theirs."""

    pace: Annotated[float, Field(gt=0)] = 3.0
    """How far a step moves the scores of ``ngrams``, whose network alone has 100."""

    @property
    def any_length(self) -> bool:
        """Padding counts for nothing in either."""
        return True


class CustomOptions(ImageOptions, TextOptions):
    """A function of the user's own: ``function(shape, classes, **options) -> keras.Model``."""

    function: Annotated[str, Field(pattern=r"^[\w.]+:\w+$")]
    options: dict[str, Any] = Field(default_factory=dict)
