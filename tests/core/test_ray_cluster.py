"""Addresses of Ray clusters that cannot be used, and the folders of their own. Starts no Ray."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from modelwright.core import ray_cluster as clusters
from modelwright.core import ray_nodes, ray_reaper
from modelwright.core.errors import ConfigError, MissingDependencyError
from modelwright.core.ray_folder import PREFIX, ray_folder

has_ray = pytest.mark.skipif(
    clusters.util.find_spec("ray") is None, reason="the package ray is not installed"
)


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"modelwright\[ray\]"):
        clusters.load_ray()


@has_ray
@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("ray://10.0.0.1:10001", "expected HOST:PORT of a cluster that this machine belongs to"),
        ("head", "expected HOST:PORT, such as 10.0.0.1:6379"),
        ("10.0.0.1:port", "expected HOST:PORT, such as 10.0.0.1:6379"),
        ("10.0.0.1:0", "expected HOST:PORT, such as 10.0.0.1:6379"),
    ],
)
def test_an_address_of_another_form_is_refused(address: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message), clusters.ray_cluster(address):
        pass


@has_ray
def test_an_address_at_which_nobody_listens_is_refused_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("RAY_ADDRESS", address)
    message = f"no Ray cluster answers at {address}"
    with pytest.raises(ConfigError, match=message), clusters.ray_cluster():
        pass


def test_folders_of_killed_processes_are_deleted_and_others_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr("modelwright.core.ray_folder._LONGEST", 200)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    abandoned = tmp_path / f"{PREFIX}old"
    abandoned.mkdir()
    (abandoned / "lock").touch()
    foreign = tmp_path / "other"
    foreign.mkdir()
    with ray_folder() as first, ray_folder() as second:
        assert first != second
        assert first.exists(), "another process's folder is locked and stays"
        assert second.parent == tmp_path
        assert not abandoned.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_a_long_temporary_folder_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with ray_folder() as folder:
        assert len(str(folder)) < 40


def test_versions_of_absent_packages_are_none() -> None:
    found = ray_nodes._versions_function(("numpy", "no-such-package"))()
    assert found["no-such-package"] is None
    assert found["numpy"]
    assert found["Python"]


def test_a_machine_with_other_versions_is_refused_with_both(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = ray_nodes._versions_function(("numpy", "absent"))()
    nodes = {
        name: {"NodeManagerHostname": name, "NodeManagerAddress": "10.0.0.2"}
        for name in ("same", "other")
    }
    answers = {"same": here, "other": {**here, "numpy": "1.0", "absent": "2.0"}}
    monkeypatch.setattr(ray_nodes, "_ask", lambda ray, names, probe: answers)
    message = (
        rf"the node other \(10\.0\.0\.2\) .* numpy 1\.0 there and {here['numpy']} here, absent 2\.0"
        " there and not installed here"
    )
    with pytest.raises(MissingDependencyError, match=message):
        ray_nodes.check_versions(None, nodes, ("numpy", "absent"))
    del answers["other"]
    ray_nodes.check_versions(None, nodes, ("numpy", "absent"))


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="reads Linux's /proc")
def test_what_was_started_for_a_folder_ends_after_it_and_nothing_else(tmp_path: Path) -> None:
    folder, other = tmp_path / "cluster", tmp_path / "cluster-2"
    folder.mkdir()
    sleepers = [
        subprocess.Popen(["sleep", "60"], env={**os.environ, ray_reaper.MARK: str(mark)})
        for mark in (folder, other)
    ]
    with ray_reaper.reaped(folder):
        assert [one.poll() for one in sleepers] == [None, None]
    assert sleepers[0].wait(10) == -signal.SIGKILL
    assert sleepers[1].poll() is None, "a longer name is another folder"
    assert not folder.exists()
    sleepers[1].kill()
    sleepers[1].wait()
