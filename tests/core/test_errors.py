from __future__ import annotations

import pytest

from modelwright.core.errors import graph_reason


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("Graph execution error:\n\nDetected at a\nassertion failed: [no]\n\t [[{{a}}]]", "no"),
        ("{{function_node f}} Invalid PNG data, size 9\n\t [[{{node b}}]] [Op:f]",
         "{{function_node f}} Invalid PNG data, size 9"),
        ("expected [2]", "expected [2]"),
        ("", ""),
    ],
)  # fmt: skip
def test_the_reason_of_a_graph_stands_between_its_headings_and_its_trace(
    message: str, reason: str
) -> None:
    assert graph_reason(message) == reason
