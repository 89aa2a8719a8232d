"""Where the processes of a training are found, and what is said where they are not."""

from __future__ import annotations

import json
import socket
import sys
import types
from typing import Any

import pytest

from modelwright.core.errors import ConfigError
from modelwright.recipes.resolve import resolve_config, resolve_or_choose
from modelwright.training import cluster_settings
from modelwright.training.cluster_settings import (
    Cluster,
    LocalProcesses,
    check_backend,
    find_cluster,
    first_node,
    joined_cluster,
)

SLURM = {
    "SLURM_STEP_NUM_TASKS": "4",
    "SLURM_PROCID": "2",
    "SLURM_STEP_NODELIST": "node[03-05],other",
    "SLURM_JOB_ID": "4097",
}


def test_one_process_is_no_cluster() -> None:
    assert find_cluster({}, {}) is None
    assert find_cluster({"processes": 1}, {}) is None
    assert find_cluster({"use": "none"}, SLURM) is None


def test_the_number_alone_starts_all_on_this_machine() -> None:
    assert find_cluster({"processes": 3}, {}) == LocalProcesses(3)


def test_rank_and_coordinator_are_the_place_of_a_process() -> None:
    table = {"processes": 2, "rank": 1, "coordinator": "10.0.0.1:9000"}
    assert find_cluster(table, {}) == Cluster(1, 2, "10.0.0.1:9000", "the options")
    del table["rank"]
    found = find_cluster(table, {"MODELWRIGHT_RANK": "0"})
    assert found == Cluster(0, 2, "10.0.0.1:9000", "MODELWRIGHT_RANK")


def test_slurm_says_everything() -> None:
    assert find_cluster({}, SLURM) == Cluster(2, 4, "node03:61441", "Slurm")
    assert find_cluster({"processes": 4}, SLURM) == Cluster(2, 4, "node03:61441", "Slurm")
    batch = {**SLURM, "SLURM_STEP_NUM_TASKS": "1", "SLURM_PROCID": "0"}
    assert find_cluster({}, batch) is None
    assert find_cluster({"processes": 2}, batch) == LocalProcesses(2)
    with pytest.raises(ConfigError, match="2 processes .* Slurm started 4 tasks"):
        find_cluster({"processes": 2}, SLURM)


@pytest.mark.parametrize(
    ("nodes", "first"),
    [
        ("a", "a"),
        ("a,b", "a"),
        ("a[1-3]", "a1"),
        ("rack2-n[007,9]", "rack2-n007"),
        ("a[01-02]x,b", "a01x"),
    ],
)
def test_the_first_node_of_slurms_lists(nodes: str, first: str) -> None:
    assert first_node(nodes) == first


def test_an_indexed_job_of_kubernetes_names_its_first_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getfqdn", lambda: "job-7.workers.default.svc.cluster.local")
    found = find_cluster({"processes": 8}, {"JOB_COMPLETION_INDEX": "7"})
    address = "job-0.workers.default.svc.cluster.local:8476"
    assert found == Cluster(7, 8, address, "Kubernetes")
    # Without the number it may be a job of trainings that have nothing to do with each other.
    assert find_cluster({}, {"JOB_COMPLETION_INDEX": "7"}) is None
    monkeypatch.setattr(socket, "getfqdn", lambda: "elsewhere")
    with pytest.raises(ConfigError, match="rank is known from Kubernetes, .* --coordinator"):
        find_cluster({"processes": 8}, {"JOB_COMPLETION_INDEX": "7"})


def test_workers_of_ray_train_share_the_address_of_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Context:
        def get_world_rank(self) -> int:
            return 1

        def get_world_size(self) -> int:
            return 2

    modules: dict[str, Any] = {
        "ray": {"util": types.SimpleNamespace(get_node_ip_address=lambda: "10.0.0.9")},
        "ray.train": {"get_context": Context},
        "ray.train.collective": {"broadcast_from_rank_zero": lambda own: own or "10.0.0.1:5"},
    }
    for name, content in modules.items():
        module = types.ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    assert find_cluster({}, {}) == Cluster(1, 2, "10.0.0.1:5", "Ray Train")
    monkeypatch.setattr(Context, "get_world_size", lambda self: 1)
    assert find_cluster({}, {}) is None


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"rank": 1}, "'cluster.rank' was given without the number of processes; add --processes"),
        ({"coordinator": "a:1"}, "'cluster.coordinator' was given without the number"),
        ({"processes": 2, "coordinator": "a:1"}, "not which process this is; expected --rank"),
        ({"processes": 2, "rank": 0}, "expected --coordinator HOST:PORT"),
        ({"processes": 2, "rank": 2, "coordinator": "a:1"}, "rank 2 .* expected 0 to 1"),
        ({"processes": 1, "rank": 1, "coordinator": "a:1"}, "rank 1 .* 1 processes"),
        ({"processes": 2, "rank": 0, "coordinator": "a:99999"}, "no port from 1 to 65535"),
        ({"processes": 2, "rank": 0, "coordinator": "a"}, "cluster.coordinator' was given 'a'"),
        ({"processes": 0}, "'cluster.processes' was given 0; expected .* at least 1"),
        ({"proceses": 2}, "unknown key 'cluster.proceses'. Did you mean 'processes'"),
        ({"use": "none", "processes": 2}, "'cluster.processes' was given with cluster.use='none'"),
    ],
)
def test_what_is_missing_or_wrong_is_named(table: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        find_cluster(table, {})


def test_a_variable_that_is_no_number_is_named() -> None:
    with pytest.raises(ConfigError, match="MODELWRIGHT_RANK is 'two'; expected an integer"):
        find_cluster({"processes": 2, "coordinator": "a:1"}, {"MODELWRIGHT_RANK": "two"})


def test_a_started_process_reads_its_place() -> None:
    place = Cluster(1, 2, "127.0.0.1:5", "--processes", local=True)
    assert find_cluster({"processes": 7}, place.to_environment()) == place


def test_tensorflow_is_refused_only_where_processes_were_asked_for() -> None:
    assert check_backend(LocalProcesses(2), "jax") == ""
    with pytest.raises(ConfigError, match="set KERAS_BACKEND=jax"):
        check_backend(LocalProcesses(2), "tensorflow")
    note = check_backend(Cluster(0, 4, "a:1", "Slurm"), "tensorflow")
    assert note.startswith("Slurm started 4 processes, and each trains a model of its own")


def test_python_needs_a_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_settings, "keras_backend", lambda: "jax")
    with pytest.raises(ConfigError, match="'modelwright train --processes 2' starts all"):
        joined_cluster({"processes": 2})
    assert joined_cluster({}) == (None, ())


def test_the_table_is_read_beside_the_config(tmp_path: Any) -> None:
    file = tmp_path / "run.toml"
    file.write_text('[data]\nsource="x.csv"\n[model]\nrecipe="bilstm"\n[cluster]\nprocesses=2\n')
    resolved = resolve_or_choose(file, {"cluster": {"rank": 1}}, ["cluster.coordinator=a:1"])
    assert resolved.cluster == {"processes": 2, "rank": 1, "coordinator": "a:1"}
    assert "cluster" not in json.dumps(resolved.config.model_dump())
    with pytest.raises(ConfigError, match="expected an integer"):
        resolve_or_choose(file, {"cluster": {"processes": "many"}})
    # What trains many times has no use for it, and says so.
    with pytest.raises(ConfigError, match="table 'cluster' was given, which is for one training"):
        resolve_config(file)
