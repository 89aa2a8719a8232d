"""Training steps per second of the same network in PyTorch and in Keras on TensorFlow, in bfloat16.

The network is ``whitened``, as the recipe ``cifar-fast`` builds it: a frozen 2x2 convolution in
float32, three groups of two convolutions with batch normalization, one dense layer in float32.
Both sides train on random images of CIFAR-10's shape, uint8 as in a file, with label smoothing and
plain Nesterov momentum. PyTorch: autocast in bfloat16, channels last, not compiled. Keras:
``mixed_bfloat16`` and the deterministic operations that Modelwright asks for.

It measures no accuracy, because random images teach nothing.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import harness
from harness import Figures, Option

SIDES = ("keras", "pytorch")
SHAPE, CLASSES = (32, 32, 3), 10
SMOOTHING, MOMENTUM, RATE = 0.2, 0.85, 0.01
OPTIONS = {
    "batch": Option(1_000, 100, "batch size"),
    "steps": Option(20, 4, "measured steps of each process"),
    "warmup": Option(4, 2, "steps before the measured ones"),
    "torch_python": Option(
        None, None, "a Python with torch; by default this one, if it has torch", local=True
    ),
}
INSTALL = (
    "this Python has no torch. Make an environment for it (python -m venv ENV; ENV/bin/pip install"
    " torch numpy; the CPU build is enough) and give --torch-python ENV/bin/python."
)


def compare_sides(arguments: argparse.Namespace) -> Figures:
    """Compares the steps per second of both sides."""
    python = arguments.torch_python or sys.executable
    if arguments.torch_python is None and importlib.util.find_spec("torch") is None:
        raise SystemExit(f"error: {INSTALL}")
    if subprocess.run([python, "-c", "import torch"], capture_output=True, check=False).returncode:
        raise SystemExit(f"error: {python} cannot import torch.")
    sizes = {name: vars(arguments)[name] for name in ("batch", "steps", "warmup")}
    runs = harness.run_in_turn(
        __file__,
        {side: {"side": side, **sizes} for side in SIDES},
        arguments.rounds,
        pythons={"pytorch": python},
        show=lambda figures: f"{figures['steps_per_second']:.3f} steps/s",
    )
    medians = harness.medians(runs)
    if medians["keras"]["weights"] != medians["pytorch"]["weights"]:
        raise SystemExit(f"error: the networks are not the same: {medians}")
    times = harness.ratio(*(medians[side]["steps_per_second"] for side in SIDES))
    rows = [
        (
            side,
            medians[side]["version"],
            f"{medians[side]['steps_per_second']:.3f}",
            f"{arguments.batch * medians[side]['steps_per_second']:,.0f}",
            f"{medians[side]['weights']:,.0f}",
        )
        for side in SIDES
    ]
    title = (
        f"Keras makes {harness.format_number(times, '.2f')} times as many steps a second as PyTorch"
    )
    harness.print_table(title, ("side", "version", "steps/s", "pictures/s", "weights"), rows)
    return {"medians": medians, "keras_over_pytorch": times, "runs": runs}


def measure_side(side: str, batch: int, steps: int, warmup: int) -> Figures:
    """Trains one side for some steps."""
    import numpy as np

    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (4, batch, *SHAPE), dtype=np.uint8)
    labels = random.integers(0, CLASSES, (4, batch))
    step, weights, version = {"keras": _keras, "pytorch": _torch}[side](pictures, labels)
    losses = [step(at) for at in range(warmup)]
    started = time.perf_counter()
    losses += [step(at) for at in range(steps)]
    seconds = time.perf_counter() - started
    return {
        "steps_per_second": steps / seconds,
        "seconds": seconds,
        "weights": weights,
        "version": version,
        "first_loss": losses[0],
        "last_loss": losses[-1],
    }


def _keras(pictures: Any, labels: Any) -> tuple[Callable[[int], float], int, str]:
    import keras
    import numpy as np

    from modelwright.core.config import ModelConfig
    from modelwright.models.builders import build_network
    from modelwright.training.runtime import make_deterministic

    make_deterministic(0)
    model = build_network(ModelConfig(builder="whitened"), SHAPE, CLASSES, "mixed_bfloat16")
    model.compile(
        keras.optimizers.SGD(RATE, momentum=MOMENTUM, nesterov=True),
        keras.losses.CategoricalCrossentropy(label_smoothing=SMOOTHING),
        jit_compile=False,
    )
    goals = np.eye(CLASSES, dtype=np.float32)[labels]

    def step(at: int) -> float:
        return float(model.train_on_batch(pictures[at % 4], goals[at % 4]))

    weights = sum(int(np.prod(one.shape)) for one in model.trainable_variables)
    return step, weights, f"keras {keras.__version__}"


def _torch(pictures: Any, labels: Any) -> tuple[Callable[[int], float], int, str]:
    """Builds ``modelwright.models.whitened`` with its default options in PyTorch."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    stem = nn.Sequential(nn.BatchNorm2d(SHAPE[2], 0.0, affine=False), nn.Conv2d(SHAPE[2], 24, 2))
    stem[0].eval()
    stem[1].weight.requires_grad_(False)
    parts: list[Any] = [nn.SiLU()]
    before = 24
    for width in (64, 256, 256):
        for pooled in (True, False):
            norm = nn.BatchNorm2d(width, 1e-5, 0.4)
            norm.weight.requires_grad_(False)
            parts += [nn.Conv2d(before, width, 3, padding="same", bias=False)]
            parts += [nn.MaxPool2d(2)] if pooled else []
            parts += [norm, nn.SiLU()]
            before = width
    body = nn.Sequential(*parts, nn.AdaptiveMaxPool2d(1), nn.Flatten())
    head = nn.Linear(before, CLASSES, bias=False)
    model = nn.ModuleList([stem, body, head]).to(memory_format=torch.channels_last)
    trained = [one for one in model.parameters() if one.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=RATE, momentum=MOMENTUM, nesterov=True)
    loss_of = nn.CrossEntropyLoss(label_smoothing=SMOOTHING)
    # A view of [n, h, w, c] with the channels second is already channels last.
    images = torch.from_numpy(pictures).permute(0, 1, 4, 2, 3)
    goals = torch.from_numpy(labels)

    def step(at: int) -> float:
        optimizer.zero_grad(set_to_none=True)
        x = stem(images[at % 4].to(torch.float32).div_(255))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            x = body(x.to(torch.bfloat16))
        loss = loss_of(head(x.float() / 9), goals[at % 4])
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step, sum(one.numel() for one in trained), f"torch {torch.__version__}"


if __name__ == "__main__":
    harness.run_benchmark(__file__, __doc__, OPTIONS, compare=compare_sides, measure=measure_side)
