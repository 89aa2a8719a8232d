"""Data parallelism: each device computes the gradients of its part of every batch, under JAX.

The batches are those of a training with one device. A batch whose rows the devices cannot share
equally, such as the last one of an epoch, is computed whole by each of them. So every step has the
gradients of a single device, and batch normalization and dropout see the whole batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras

from modelwright.core.errors import ConfigError
from modelwright.runs.run import CHECKPOINT, Run
from modelwright.training.batches import LabeledBatches, to_keras_data
from modelwright.training.cluster import ProcessGroup
from modelwright.training.optimizers import row_weights


class Devices:
    """The devices that share each batch: all of all processes, or one.

    Attributes:
        count: their number.
    """

    def __init__(self, group: ProcessGroup, *, enabled: bool = True) -> None:
        """Finds the devices.

        Args:
            group: the processes that train together.
            enabled: whether the training takes steps that devices can share.
        """
        self._group = group
        self._distribution: Any = None
        self.count = 1
        if enabled and keras.config.backend() == "jax":
            import jax

            self.count = jax.device_count()
        if self.count > 1:
            self._distribution = keras.distribution.DataParallel(auto_shard_dataset=False)

    def record_in(self, run: Run, batch_size: int) -> Run:
        """Returns a run that records the devices, once they are known to share its batches.

        One process with several devices uses only one where they cannot share a batch.

        Args:
            run: the run.
            batch_size: rows of each batch.

        Raises:
            ConfigError: several processes cannot share a batch of ``train.batch_size`` rows.
        """
        given, note = run.config.train.batch_size, ""
        if batch_size % self.count:
            if self._group.processes > 1 and batch_size == given:
                raise ConfigError(
                    f"train.batch_size={given} cannot be shared equally by {self.count} devices;"
                    f" expected {self._sizes(given)}, as --set train.batch_size=N."
                )
            note = self._cannot_share(batch_size)
            if self._group.processes == 1:
                self.count, self._distribution = 1, None
        record = self._record()
        if run.cluster != record and (run.path / CHECKPOINT).exists():
            note = _changed_note(run.cluster, record)
        return run.update(cluster=record).add_note(note)

    def _record(self) -> dict[str, Any]:
        """Returns what the run keeps of the processes; empty for one process and one device."""
        if self._group.processes == self.count == 1:
            return {}
        cluster = self._group.cluster
        found = cluster.source if cluster else "the devices of this machine"
        return {"processes": self._group.processes, "devices": self.count, "found": found}

    def _sizes(self, rows: int) -> str:
        lower = rows // self.count * self.count
        return " or ".join(str(size) for size in (lower, lower + self.count) if size)

    def _cannot_share(self, rows: int) -> str:
        who = "one computes all of it" if self._group.processes == 1 else "each computes all of it"
        return (
            f"a batch of {rows:,} rows cannot be shared equally by {self.count} devices, so {who}"
            f" and the training is no faster; batches of {self._sizes(rows)} rows can be shared"
        )

    def scope(self) -> AbstractContextManager[Any]:
        """Returns a context in which networks are built with weights on all devices."""
        return self._distribution.scope() if self._distribution else nullcontext()

    def make_steps(self, network: Any) -> None:
        """Makes the steps of a compiled network, which leave its weights on all devices."""
        if self._distribution:
            with self.scope():
                network.make_train_function()
                network.make_test_function()

    def to_keras_data(
        self, batches: LabeledBatches, class_weights: Mapping[int, float] | None = None
    ) -> tuple[Any, Mapping[int, float] | None]:
        """Returns batches as an argument of ``fit``, and the class weights left for ``fit``."""
        if self._distribution is None:
            return to_keras_data(batches), class_weights
        mesh = self._distribution.device_mesh.backend_mesh
        place = self._group.rank, self._group.processes
        return _SharedBatches(batches, mesh, place, class_weights), None


class _SharedBatches(keras.utils.PyDataset):
    """Batches as JAX arrays over all devices; this process adds its own part of the rows."""

    def __init__(
        self,
        batches: LabeledBatches,
        mesh: Any,
        place: tuple[int, int],
        class_weights: Mapping[int, float] | None,
    ) -> None:
        super().__init__(workers=1)
        from jax import sharding

        library: Any = sharding
        self._batches = batches
        self._rank, self._processes = place
        self._devices = mesh.devices.size
        self._class_weights = class_weights
        split, whole = library.PartitionSpec(mesh.axis_names[0]), library.PartitionSpec()
        self._split = library.NamedSharding(mesh, split)
        self._whole = library.NamedSharding(mesh, whole)

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, position: int) -> tuple[Any, ...]:
        # All processes prepare the whole batch: so its augmentation is the same for any number of
        # them, and all of them see its longest row.
        inputs, labels = self._batches[position]
        arrays: tuple[Any, ...] = (inputs, labels)
        if self._class_weights is not None:
            arrays = (*arrays, row_weights(labels, self._class_weights))
        return tuple(map(self._share, arrays))

    def _share(self, array: Any) -> Any:
        import jax

        library: Any = jax
        if len(array) % self._devices:
            return library.make_array_from_process_local_data(self._whole, array, array.shape)
        part = len(array) // self._processes
        own = array[self._rank * part : (self._rank + 1) * part]
        return library.make_array_from_process_local_data(self._split, own, array.shape)


def describe_devices(record: Mapping[str, Any]) -> str:
    """Returns the processes and devices of a run in words."""
    if not record:
        return "1 process"
    processes = record["processes"]
    words = f"{processes} process{'es' if processes > 1 else ''}"
    if record["devices"] != processes:
        words += f" with {record['devices']} devices"
    return words


def _changed_note(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    return (
        f"the first epochs were trained by {describe_devices(before)}, the others by"
        f" {describe_devices(now)}: the weights agree with an undisturbed training to rounding, not"
        " to the same bits"
    )
