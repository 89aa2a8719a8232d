"""Where ``modelwright``, ``mw`` and ``python -m modelwright`` begin."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs a command. Ctrl-C while its code is still loading ends it like any other."""
    try:
        from modelwright.cli.main import main as run
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
