"""``modelwright serve`` whose process of explanations keeps the usual priority.

At the lowest priority, a busy machine would let the tests of the page wait for long.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

COMMAND = [sys.executable, str(Path(__file__)), "serve"]

if __name__ == "__main__":
    from modelwright.cli.main import main
    from modelwright.serve.explanation import explanations

    explanations.start_child = partial(explanations.start_child, lambda _: None)
    main()
