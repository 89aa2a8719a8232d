"""What TensorFlow Serving is told, in its text format, and how its command line looks.

https://www.tensorflow.org/tfx/serving/serving_config
"""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.deploy.models import Model
from modelwright.deploy.options import DeployOptions

GRPC_PORT = 8500
REST_PORT = 8501
METRICS_PATH = "/monitoring/prometheus/metrics"
MODELS = "/models"
"""Where the models folder is in every container."""
CONFIG = "/config"
"""Where the three files are in TensorFlow Serving's."""
MODELS_CONFIG = "models.config"
BATCHING_CONFIG = "batching.config"
MONITORING_CONFIG = "monitoring.config"
_BATCH = 32


def config_files(models: Sequence[Model], options: DeployOptions) -> dict[str, str]:
    """The three files by their names."""
    return {
        MODELS_CONFIG: _models(models),
        BATCHING_CONFIG: _batching(options.cpus),
        MONITORING_CONFIG: f'prometheus_config {{ enable: true path: "{METRICS_PATH}" }}\n',
    }


def arguments(options: DeployOptions) -> list[str]:
    """Of ``tensorflow_model_server``, which takes every CPU it sees unless it is told how many."""
    return [
        f"--port={GRPC_PORT}",
        f"--rest_api_port={REST_PORT}",
        "--rest_api_timeout_in_ms=30000",
        f"--model_config_file={CONFIG}/{MODELS_CONFIG}",
        "--model_config_file_poll_wait_seconds=30",
        "--enable_batching=true",
        f"--batching_parameters_file={CONFIG}/{BATCHING_CONFIG}",
        f"--monitoring_config_file={CONFIG}/{MONITORING_CONFIG}",
        f"--tensorflow_intra_op_parallelism={options.cpus}",
        f"--tensorflow_inter_op_parallelism={options.cpus}",
    ]


def health_command(models: Sequence[Model]) -> str:
    """A line of bash that fails unless every model has an available version.

    The image has neither curl nor Python, but its bash can open a connection.
    """
    ask = (
        f"ask() {{ exec 3<>/dev/tcp/127.0.0.1/{REST_PORT}"
        " && printf 'GET /v1/models/%s HTTP/1.1"
        r"\r\nHost: localhost\r\nConnection: close\r\n\r\n' "
        '"$1" >&3 && grep -q AVAILABLE <&3; }'
    )
    return f"{ask}; {' && '.join(f'ask {model.name}' for model in models)}"


def notes(models: Sequence[Model]) -> list[str]:
    """What should be known of these models before TensorFlow Serving gets them."""
    foreign = [model.name for model in models if not model.own]
    if not foreign:
        return []
    return [
        f"{', '.join(foreign)}: without a manifest, so nothing of it was checked. Batching, which"
        f" {BATCHING_CONFIG} sets for all models, needs a first dimension of any size in every"
        " input."
    ]


def _models(models: Sequence[Model]) -> str:
    entries = "".join(
        "  config {\n"
        f'    name: "{model.name}"\n'
        f'    base_path: "{MODELS}/{model.name}"\n'
        '    model_platform: "tensorflow"\n'
        "    model_version_policy { latest { num_versions: 1 } }\n"
        "  }\n"
        for model in models
    )
    return f"model_config_list {{\n{entries}}}\n"


def _batching(cpus: int) -> str:
    # A request that comes alone waits for 1 ms at most; a full queue is refused, not kept waiting.
    return (
        f"max_batch_size {{ value: {_BATCH} }}\n"
        "batch_timeout_micros { value: 1000 }\n"
        "max_enqueued_batches { value: 100 }\n"
        f"num_batch_threads {{ value: {cpus} }}\n"
    )
