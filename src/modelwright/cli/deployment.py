"""``modelwright deploy``: write the files that serve a folder of models elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from modelwright.cli.completion import complete_models, complete_words
from modelwright.cli.options import AsJson
from modelwright.cli.output import print_report
from modelwright.core.errors import ConfigError

if TYPE_CHECKING:
    from modelwright.deploy.options import FileFormat, ServerName


def deploy(
    target: Annotated[
        str,
        typer.Argument(
            help="compose, kubernetes, kserve or ray.",
            autocompletion=complete_words("compose", "kserve", "kubernetes", "ray"),
        ),
    ],
    models: Annotated[
        Path, typer.Argument(help="Folder of models.", autocompletion=complete_models)
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Output folder.")] = Path("deploy"),
    name: Annotated[
        str, typer.Option(help="Name of the cluster objects and of the compose project.")
    ] = "modelwright",
    image: Annotated[
        str | None, typer.Option(help="The server's container image, with its tag.")
    ] = None,
    server: Annotated[
        str, typer.Option(help="tensorflow-serving, or modelwright: no TensorFlow, with API keys.")
    ] = "tensorflow-serving",
    file_format: Annotated[
        str, typer.Option("--format", help="manifest: one file; kustomize: a base for overlays.")
    ] = "manifest",
    keys_secret: Annotated[
        str | None, typer.Option(help="Kubernetes secret with the API keys of the server.")
    ] = None,
    service_monitor: Annotated[
        bool, typer.Option("--service-monitor", help="Add a ServiceMonitor for Prometheus.")
    ] = False,
    cpus: Annotated[int, typer.Option(help="CPUs per replica.")] = 2,
    memory: Annotated[int, typer.Option(help="Memory limit per replica, in MiB.")] = 2048,
    min_replicas: Annotated[
        int | None, typer.Option(help="Minimum number of replicas; the target's by default.")
    ] = None,
    max_replicas: Annotated[
        int | None, typer.Option(help="Maximum number of replicas; the target's by default.")
    ] = None,
    storage_uri: Annotated[
        str | None, typer.Option(help="URI from which KServe loads the models.")
    ] = None,
    nodes_path: Annotated[
        str | None, typer.Option(help="Path of the models on each node of a cluster.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite files that this command did not write.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write the files that serve a folder of models elsewhere; start nothing."""
    from modelwright.deploy.options import DeployOptions
    from modelwright.deploy.write import deploy as write_files

    if (min_replicas is None) != (max_replicas is None):
        raise ConfigError("--min-replicas and --max-replicas go together; give both or neither.")
    options = DeployOptions(
        name=name,
        server=cast("ServerName", server),
        image=image,
        format=cast("FileFormat", file_format),
        keys_secret=keys_secret,
        service_monitor=service_monitor,
        cpus=cpus,
        memory_mib=memory,
        replicas=(min_replicas, max_replicas)
        if min_replicas is not None and max_replicas is not None
        else None,
        storage_uri=storage_uri,
        nodes_path=nodes_path,
        force=force,
    )
    print_report(write_files(target, models, out, options=options), as_json=as_json)
