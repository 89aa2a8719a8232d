"""One KServe InferenceService per model, with an explicit runtime: TensorFlow Serving's or ours."""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.deploy import kubernetes, modelwright_server
from modelwright.deploy.models import DeployableModel, dns_names
from modelwright.deploy.options import KSERVE_RUNTIME, MODELWRIGHT, DeployOptions
from modelwright.deploy.template import fill_template, without_blank_lines, yaml_quoted

FILE = "kserve.yaml"
_HEAD = "# Written by 'modelwright deploy kserve'. Apply it with: kubectl apply -f kserve.yaml\n"


def kserve_files(
    models: Sequence[DeployableModel], options: DeployOptions
) -> tuple[dict[str, str], list[str]]:
    """Returns the content of the file by its name, and notes for the user.

    Raises:
        ConfigError: a model's name has no valid form for an InferenceService.
    """
    names = dns_names(model.name for model in models)
    base = (options.storage_uri or f"pvc://{kubernetes.claim_name(options)}").rstrip("/")
    services = [
        _service(model.name, names[model.name], f"{base}/{model.name}", options) for model in models
    ]
    notes = [
        f"{name} is called {label}: KServe serves a model under the name of its InferenceService,"
        " which has only lowercase letters, digits and '-'."
        for name, label in names.items()
        if name != label
    ]
    notes.append(f"{base} must contain a copy of the models folder; nothing was copied there.")
    runtime = [_runtime(options)] if options.server == MODELWRIGHT else []
    text = _HEAD + "---\n".join([*runtime, *services])
    return {FILE: text}, [*notes, *modelwright_server.notes(options)]


def _service(model: str, name: str, uri: str, options: DeployOptions) -> str:
    own = options.server == MODELWRIGHT
    least, most = options.between(1, 4)
    values: dict[str, object] = {
        "name": name,
        "instance": options.name,
        "model": model,
        "format": MODELWRIGHT if own else "tensorflow",
        "format_version": "1" if own else "2",
        "runtime": options.name if own else KSERVE_RUNTIME,
        "runtime_version": ""
        if own
        else (
            "      # The tag of TensorFlow Serving's image; replaces the one in the runtime.\n"
            f'      runtimeVersion: "{options.tag}"'
        ),
        "uri": yaml_quoted(uri),
        "cpus": options.cpus,
        "memory": options.memory_mib,
        "least": least,
        "most": most,
    }
    return without_blank_lines(fill_template(FILE, values))


def _runtime(options: DeployOptions) -> str:
    """Returns the ServingRuntime of Modelwright's own server."""
    secret = options.keys_secret
    values: dict[str, object] = {
        "name": options.name,
        "image": options.container_image,
        "cpus": options.cpus,
        "memory": options.memory_mib,
        "user": modelwright_server.USER,
        "keys_argument": modelwright_server.keys_argument(options, 8),
        "keys_mount": modelwright_server.keys_mount(secret, 8),
        "keys_volume": modelwright_server.keys_volume(secret, 4),
    }
    return without_blank_lines(fill_template("kserve-runtime.yaml", values))
