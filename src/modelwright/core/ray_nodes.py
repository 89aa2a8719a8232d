"""The versions of Python and of packages on the nodes of a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any

from modelwright.core.errors import MissingDependencyError

_SECONDS = 60.0
Versions = dict[str, str | None]


def check_versions(
    ray: Any, nodes: Mapping[str, Mapping[str, Any]], packages: Sequence[str]
) -> None:
    """Checks that nodes have the versions of this process.

    Args:
        ray: The module ``ray``, connected to a cluster.
        nodes: What ``ray.nodes()`` says of each node, by its ID.
        packages: Names of distributions.

    Raises:
        MissingDependencyError: A node has other versions, or lacks a package.
    """
    probe = _versions_function(packages)
    here = probe()
    for node_id, there in _ask(ray, list(nodes), probe).items():
        differing = [
            f"{name} {there.get(name) or 'not installed'} there and"
            f" {here[name] or 'not installed'} here"
            for name in here
            if there.get(name) != here[name]
        ]
        if differing:
            node = nodes[node_id]
            raise MissingDependencyError(
                f"the node {node['NodeManagerHostname']} ({node['NodeManagerAddress']}) of the Ray"
                f" cluster has other versions: {', '.join(differing)}. Results depend on them;"
                " install the same ones on all machines."
            )


def _ask(ray: Any, node_ids: Sequence[str], probe: Callable[[], Versions]) -> dict[str, Versions]:
    """Returns the versions on each node. A node that dies meanwhile is left out."""
    affinity = import_module("ray.util.scheduling_strategies").NodeAffinitySchedulingStrategy
    task = ray.remote(num_cpus=0, max_retries=0)(probe)
    asked = {
        node: task.options(scheduling_strategy=affinity(node_id=node, soft=False)).remote()
        for node in node_ids
    }
    ray.wait(list(asked.values()), num_returns=len(asked), timeout=_SECONDS)
    found = {}
    for node, reference in asked.items():
        with suppress(Exception):  # Ray has a class of its own for each way to die
            found[node] = ray.get(reference, timeout=1)
    return found


def _versions_function(packages: Sequence[str]) -> Callable[[], Versions]:
    """Returns a function that returns versions.

    Ray sends the code of an inner function, so a node without Modelwright can run it.
    """
    names = tuple(packages)

    def versions() -> Versions:
        import platform
        from importlib import metadata

        found: Versions = {"Python": ".".join(platform.python_version_tuple()[:2])}
        for name in names:
            try:
                found[name] = metadata.version(name)
            except metadata.PackageNotFoundError:
                found[name] = None
        return found

    return versions
