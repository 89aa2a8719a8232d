"""The examples at the end of each command's help. A test parses every one."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[str, ...]] = {
    "recipes": ("modelwright recipes", "modelwright recipes cifar-fast"),
    "train": (
        "modelwright train reviews.csv",
        "modelwright train my-photos --recipe cnn --epochs 5",
        "modelwright train imdb --recipe text-fast --out runs/imdb",
        "modelwright train reviews.toml --set train.learning_rate=0.001",
        "modelwright train reviews.csv --drop audits/reviews/suspects.csv",
        "modelwright train --resume runs/imdb",
    ),
    "evaluate": (
        "modelwright evaluate runs/imdb",
        "modelwright evaluate runs/imdb --split val",
        "modelwright evaluate runs/imdb --data other-reviews.csv --label-column stars",
    ),
    "layers": ("modelwright layers runs/cifar cat.png --out layers.png",),
    "audit": (
        "modelwright audit reviews.csv",
        "modelwright audit my-photos --folds 10 --out audits/photos",
        "modelwright audit reviews.csv --recipe bilstm --json",
    ),
    "distill": (
        "modelwright distill my_encoder:vectors --data few.csv --unlabeled more.csv",
        "modelwright distill models/imdb --data few.csv --unlabeled more.csv --recipe text-fast",
        "modelwright distill encoders/multilingual-e5-small --data few.csv --unlabeled more.csv",
        "modelwright distill runs/text-best --recipe bilstm --unlabeled more.csv --out runs/small",
    ),
    "report": (
        "modelwright report runs/imdb",
        "modelwright report models/imdb -o imdb.html --lang zh",
        "modelwright report runs/a runs/b studies/dropout -o compared.html",
    ),
    "compare": ("modelwright compare study.toml --out studies/dropout",),
    "tune run": (
        "modelwright tune reviews.csv --recipe bilstm --minutes 20",
        "modelwright tune search.toml",
        "modelwright tune search.toml --runner ray --workers 8",
        "modelwright tune tunings/reviews --trials 60",
    ),
    "tune show": ("modelwright tune show tunings/reviews --json",),
    "reproduce": (
        "modelwright reproduce --list",
        "modelwright reproduce --only imdb-text --quick",
    ),
    "stream": (
        "modelwright stream stream.toml",
        "modelwright stream stream.toml --out streams/shopping --json",
    ),
    "export": (
        "modelwright export runs/imdb models/imdb",
        "modelwright export runs/cifar-fast models/cifar --tta",
    ),
    "quantize": (
        "modelwright quantize models/cifar --max-drop 0.5",
        "modelwright quantize models/cifar --method int8 --rows 2000",
    ),
    "verify": ("modelwright verify models/imdb",),
    "benchmark": ("modelwright benchmark models/imdb --engine onnx --seconds 5",),
    "predict": (
        "modelwright predict models/imdb 'A waste of two hours.'",
        "modelwright predict models/cifar photos/ --top 3",
        "modelwright predict models/imdb reviews.csv -o scored.csv",
        "modelwright predict models/imdb - --json < reviews.txt",
    ),
    "explain": (
        "modelwright explain models/imdb 'The cast is great, but the plot is not.'",
        "modelwright explain models/cifar cat.png -o cat-explained.png",
        "modelwright explain models/imdb reviews.txt --label neg --json",
        "modelwright explain models/imdb --evaluate --rows 50",
    ),
    "drift": (
        "modelwright drift models/imdb --data new-reviews.csv",
        "modelwright drift models/cifar --data photos --json --fail",
    ),
    "serve": (
        "modelwright serve models",
        "modelwright serve models --rest-port 9000 --workers 2 --access-log -",
    ),
    "versions": ("modelwright versions models/imdb",),
    "rollback": (
        "modelwright rollback models/imdb",
        "modelwright rollback models/imdb --to 3",
    ),
    "update": (
        "modelwright update models/reviews --data new.csv",
        "modelwright update models/reviews --data new.csv --strategy replay --dry-run",
        "modelwright update models/reviews/3 --data new.csv --max-drop 1 --memory 500",
        "modelwright update runs/reviews --data new.csv --out runs/reviews-june",
    ),
    "deploy": (
        "modelwright deploy compose models --out deploy",
        "modelwright deploy kubernetes models --server modelwright --format kustomize",
    ),
    "doctor": ("modelwright doctor", "modelwright doctor --json"),
    "data fetch": ("modelwright data fetch imdb", "modelwright data fetch cifar10 --folder data"),
    "data inspect": (
        "modelwright data inspect reviews.csv --label-column sentiment",
        "modelwright data inspect my-photos --out inspection",
    ),
    "data show": (
        "modelwright data show my-photos --augment flip,rotation=0.1 --rows 4",
        "modelwright data show reviews.csv --rows 10",
    ),
    "backbones list": (
        "modelwright backbones",
        "modelwright backbones efficientnet-lite0",
        "modelwright backbones --json",
    ),
    "backbones get": (
        "modelwright backbones get efficientnet-lite0",
        "modelwright backbones get mobilenetv3-small --folder downloads",
    ),
    "runs list": ("modelwright runs", "modelwright runs experiments --json"),
    "runs show": ("modelwright runs show runs/imdb",),
    "runs diff": ("modelwright runs diff runs/imdb runs/imdb-large",),
    "runs rm": ("modelwright runs rm runs/old", "modelwright runs rm runs/a runs/b --yes"),
}


def epilog(command: str) -> str:
    """Returns the end of a command's help: each example on a line of its own."""
    lines = ["Examples:", *(f"  {example}" for example in EXAMPLES[command])]
    return "\n\n".join(line.replace("[", r"\[") for line in lines)
