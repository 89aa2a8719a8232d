"""The config files of TensorFlow Serving, in its text format, and its command line.

https://www.tensorflow.org/tfx/serving/serving_config
"""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.deploy.models import DeployableModel
from modelwright.deploy.options import DeployOptions

GRPC_PORT = 8500
REST_PORT = 8501
METRICS_PATH = "/monitoring/prometheus/metrics"
MODELS = "/models"
"""Path of the models folder in each container."""
CONFIG = "/config"
"""Path of the config files in TensorFlow Serving's container."""
MODELS_CONFIG = "models.config"
BATCHING_CONFIG = "batching.config"
MONITORING_CONFIG = "monitoring.config"
_BATCH = 32


def config_files(models: Sequence[DeployableModel], options: DeployOptions) -> dict[str, str]:
    """Returns the content of the three config files by their names."""
    return {
        MODELS_CONFIG: _models(models),
        BATCHING_CONFIG: _batching(options.cpus),
        MONITORING_CONFIG: f'prometheus_config {{ enable: true path: "{METRICS_PATH}" }}\n',
    }


def arguments(options: DeployOptions) -> list[str]:
    """Returns the arguments of ``tensorflow_model_server``, which by default uses every CPU."""
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


def health_command(models: Sequence[DeployableModel]) -> str:
    """Returns a line of bash that fails unless every model has an available version.

    The image has neither curl nor Python, but bash can open a connection.
    """
    ask = (
        f"ask() {{ exec 3<>/dev/tcp/127.0.0.1/{REST_PORT}"
        " && printf 'GET /v1/models/%s HTTP/1.1"
        r"\r\nHost: localhost\r\nConnection: close\r\n\r\n' "
        '"$1" >&3 && grep -q AVAILABLE <&3; }'
    )
    return f"{ask}; {' && '.join(f'ask {model.name}' for model in models)}"


def tensorflow_serving_notes(models: Sequence[DeployableModel]) -> list[str]:
    """Returns what the user should know about models that Modelwright did not export."""
    unchecked = [model.name for model in models if not model.has_manifest]
    if not unchecked:
        return []
    return [
        f"{', '.join(unchecked)}: without a manifest, so nobody checked its files. Batching, which"
        f" {BATCHING_CONFIG} sets for all models, needs a first dimension of any size in every"
        " input."
    ]


def _models(models: Sequence[DeployableModel]) -> str:
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
    # A single request waits at most 1 ms for others. A full queue refuses requests at once.
    return (
        f"max_batch_size {{ value: {_BATCH} }}\n"
        "batch_timeout_micros { value: 1000 }\n"
        "max_enqueued_batches { value: 100 }\n"
        f"num_batch_threads {{ value: {cpus} }}\n"
    )
