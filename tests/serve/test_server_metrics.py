"""Metrics in Prometheus' text format, of one worker and of all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from modelwright.serve.service.metrics import (
    EXPLAIN_WAITING,
    LATENCY,
    REQUESTS,
    Metrics,
    SharedMetrics,
)


def filled() -> Metrics:
    metrics = Metrics()
    metrics.count(REQUESTS, model_name='a"\\\n', status="OK")
    metrics.count(REQUESTS, model_name='a"\\\n', status="OK")
    for micros in (5.0, 15.0, 1e12):
        metrics.histogram(LATENCY, model_name="a", API="predict", entrypoint="REST").add(micros)
    return metrics


def test_counters_and_buckets_under_tensorflow_servings_names() -> None:
    lines = filled().render().splitlines()
    assert ':tensorflow:serving:request_count{model_name="a\\"\\\\\\n",status="OK"} 2' in lines
    labels = 'model_name="a",API="predict",entrypoint="REST"'
    assert f':tensorflow:serving:request_latency_bucket{{{labels},le="10"}} 1' in lines
    assert f':tensorflow:serving:request_latency_bucket{{{labels},le="18"}} 2' in lines
    assert f':tensorflow:serving:request_latency_bucket{{{labels},le="+Inf"}} 3' in lines
    assert f":tensorflow:serving:request_latency_count{{{labels}}} 3" in lines
    assert "# TYPE :tensorflow:serving:request_latency histogram" in lines


def test_metrics_are_the_sum_of_all_workers_also_of_those_that_ended(tmp_path: Path) -> None:
    own, ended = Metrics(), filled()
    SharedMetrics(ended, tmp_path, "1").write()
    own.count(REQUESTS, 3, model_name='a"\\\n', status="OK")
    own.count(REQUESTS, model_name="b", status="NOT_FOUND")
    text = SharedMetrics(own, tmp_path, "2").render()
    assert ':tensorflow:serving:request_count{model_name="a\\"\\\\\\n",status="OK"} 5' in text
    assert ':tensorflow:serving:request_count{model_name="b",status="NOT_FOUND"} 1' in text
    assert "request_latency_count" in text
    assert SharedMetrics(own, None, "2").render() == own.render()


def test_numbers_have_all_their_digits() -> None:
    metrics = Metrics()
    metrics.count(REQUESTS, 12_345_678, model_name="a")
    metrics.histogram(LATENCY, model_name="a").add(123_456_789.25)
    text = metrics.render()
    assert ':tensorflow:serving:request_count{model_name="a"} 12345678\n' in text
    assert ':tensorflow:serving:request_latency_sum{model_name="a"} 123456789.25\n' in text


def test_a_gauge_is_the_sum_of_the_workers_that_run(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    for worker, waiting in ((str(os.getpid()), 2), (str(ended.pid), 5)):
        other = Metrics()
        other.gauge(EXPLAIN_WAITING, waiting)
        other.count(REQUESTS, model_name="a", status="OK")
        SharedMetrics(other, tmp_path, worker).write()
    own = Metrics()
    own.gauge(EXPLAIN_WAITING, 1)
    text = SharedMetrics(own, tmp_path, "own").render()
    assert f"# TYPE {EXPLAIN_WAITING} gauge\n{EXPLAIN_WAITING} 3\n" in text
    assert 'status="OK"} 2' in text  # of the ended worker, too
