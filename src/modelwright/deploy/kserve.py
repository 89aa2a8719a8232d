"""One KServe InferenceService per model, with an explicit runtime."""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.deploy import kubernetes
from modelwright.deploy.models import DeployableModel, dns_names
from modelwright.deploy.options import KSERVE_RUNTIME, DeployOptions
from modelwright.deploy.template import fill_template, yaml_quoted

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
    least, most = options.between(1, 4)
    services = [
        fill_template(
            FILE,
            {
                "name": names[model.name],
                "instance": options.name,
                "model": model.name,
                "runtime": KSERVE_RUNTIME,
                "tag": options.tag,
                "uri": yaml_quoted(f"{base}/{model.name}"),
                "cpus": options.cpus,
                "memory": options.memory_mib,
                "least": least,
                "most": most,
            },
        )
        for model in models
    ]
    notes = [
        f"{name} is called {label}: KServe serves a model under the name of its InferenceService,"
        " which has only lowercase letters, digits and '-'."
        for name, label in names.items()
        if name != label
    ]
    notes.append(f"{base} must contain a copy of the models folder; nothing was copied there.")
    return {FILE: _HEAD + "---\n".join(services)}, notes
