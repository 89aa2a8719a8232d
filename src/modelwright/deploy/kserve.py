"""A KServe InferenceService a model, with the runtime named."""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.deploy import kubernetes
from modelwright.deploy.models import Model, dns_names
from modelwright.deploy.options import KSERVE_RUNTIME, DeployOptions
from modelwright.deploy.template import fill, quoted

FILE = "kserve.yaml"
_HEAD = "# Written by 'modelwright deploy kserve'. Apply it with: kubectl apply -f kserve.yaml\n"


def files(models: Sequence[Model], options: DeployOptions) -> tuple[dict[str, str], list[str]]:
    """The file by its name, and what to know of it.

    Raises:
        ConfigError: a model's name cannot be that of an InferenceService.
    """
    names = dns_names(model.name for model in models)
    base = (options.storage_uri or f"pvc://{kubernetes.claim_name(options)}").rstrip("/")
    least, most = options.between(1, 4)
    services = [
        fill(
            FILE,
            {
                "name": names[model.name],
                "instance": options.name,
                "model": model.name,
                "runtime": KSERVE_RUNTIME,
                "tag": options.tag,
                "uri": quoted(f"{base}/{model.name}"),
                "cpus": options.cpus,
                "memory": options.memory_mib,
                "least": least,
                "most": most,
            },
        )
        for model in models
    ]
    notes = [
        f"{name} is called {given}: KServe serves a model under the name of its InferenceService,"
        " which takes small letters, digits and '-' alone."
        for name, given in names.items()
        if name != given
    ]
    notes.append(f"{base} has to hold what the models folder holds; nothing was copied there.")
    return {FILE: _HEAD + "---\n".join(services)}, notes
