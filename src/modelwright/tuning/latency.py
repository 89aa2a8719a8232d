"""The latency of a trial's network: one row at a time, on one thread, in a process of its own.

``python -m modelwright.tuning.latency RUN OUT`` writes the milliseconds as JSON.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from modelwright.core.child_process import keras_environment, main_of_child, run_child
from modelwright.core.errors import RunError
from modelwright.core.files import write_json

_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"
)
_ROWS = 32
_REPEATS = 5


def measure_latency(run: Path) -> float:
    """Returns the median time for one row of a run's float32 network, in milliseconds.

    The rows are validation rows. A text is tokenized before, so that the figure is the network's.

    Raises:
        RunError: the network cannot be measured.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "latency.json"
        environment = {**keras_environment(), **_ONE_THREAD}
        module = "modelwright.tuning.latency"
        reason = run_child(module, [str(run), str(out)], out, environment=environment)
        if reason is not None:
            raise RunError(f"the latency of {run} cannot be measured: {reason}")
        return float(json.loads(out.read_text("utf-8"))["milliseconds"])


def write_latency(arguments: list[str]) -> None:
    """Measures a run's network in this process; the arguments are the run and the file to write."""
    import numpy as np

    from modelwright.runs.rows import evenly_spaced, held_out_or_training, reload_data
    from modelwright.runs.run import load_run

    run = load_run(arguments[0])
    _, rows = held_out_or_training(reload_data(run.config.data, run.data, run.path), ("val",))
    inputs = rows.inputs.take(np.array(evenly_spaced(len(rows), _ROWS)))
    tokenizer, network = run.tokenizer(), run.network()
    inputs = np.asarray(inputs if tokenizer is None else tokenizer.encode(inputs))
    seconds = []
    for repeat in range(_REPEATS + 1):
        for row in range(len(inputs)):
            begun = time.perf_counter()
            network.predict_on_batch(inputs[row : row + 1])
            if repeat:  # the first round traces the network
                seconds.append(time.perf_counter() - begun)
    write_json(Path(arguments[1]), {"milliseconds": 1000 * statistics.median(seconds)})


if __name__ == "__main__":
    sys.exit(main_of_child(write_latency, sys.argv[1:], keras=True))
