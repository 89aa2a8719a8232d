"""Requests that schemathesis makes from a server's own OpenAPI, right ones and wrong ones.

``python -m served.schema PORT SECONDS SEED MODEL...`` under a Python that has schemathesis; prints
JSON. Every second request names one of the models: a made-up name would only ever find that there
is no such model.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections import Counter
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode

EXAMPLES = 200
"""At a time, of each operation and mode, until the seconds are over."""
_TRACE = re.compile(r'Traceback \(most recent|File "[^"]+", line \d+')


class OverError(Exception):
    """The seconds are over."""


def main(port: int, seconds: float, number: int, models: list[str]) -> dict[str, Any]:
    """Counts by status and what broke a rule."""
    url = f"http://127.0.0.1:{port}"
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    operations = [result.ok() for result in schema.get_all_operations()]
    statuses: Counter[str] = Counter()
    by_operation: Counter[str] = Counter()
    broken: list[dict[str, str]] = []
    end = time.monotonic() + seconds
    session = requests.Session()

    def ask(case: Any) -> None:
        if time.monotonic() > end:
            raise OverError
        turn = sum(statuses.values())
        if turn % 2 and models and "model" in (case.path_parameters or {}):
            case.path_parameters["model"] = models[turn // 2 % len(models)]
            if "version" in case.path_parameters and turn % 4 == 1:
                case.path_parameters["version"] = 1
        try:
            response = case.call(session=session, timeout=20)
        except requests.RequestException as error:
            statuses[type(error).__name__] += 1
            return
        statuses[str(response.status_code)] += 1
        by_operation[case.operation.label] += 1
        if response.status_code == 500 or _TRACE.search(response.text):
            broken.append({"case": case.as_curl_command()[:600], "received": response.text[:600]})

    started = 0
    try:
        while True:
            for operation in operations:
                for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                    started += 1
                    try:
                        made = operation.as_strategy(generation_mode=mode)
                        quiet = settings(
                            max_examples=EXAMPLES,
                            deadline=None,
                            database=None,
                            phases=[Phase.generate],
                            suppress_health_check=list(HealthCheck),
                        )
                        seed(number + started)(quiet(given(case=made)(ask)))()
                    except OverError:
                        raise
                    except Exception as error:  # noqa: BLE001 - an operation that has no wrong requests
                        statuses[f"not made: {type(error).__name__}"] += 1
                        if time.monotonic() > end:
                            raise OverError from None
    except OverError:
        pass
    return {
        "requests": sum(n for status, n in statuses.items() if not status.startswith("not made")),
        "operations": dict(by_operation),
        "statuses": dict(statuses),
        "broken": broken[:10],
        "version": schemathesis.__version__,
    }


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])))
