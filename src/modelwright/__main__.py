"""Runs the command line as ``python -m modelwright``."""

from __future__ import annotations

from modelwright.cli.main import main

if __name__ == "__main__":
    main()
