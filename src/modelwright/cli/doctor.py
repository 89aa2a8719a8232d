"""``modelwright doctor``: report on the installation."""

from __future__ import annotations

from modelwright.cli.options import AsJson, Quiet
from modelwright.cli.output import print_report


def doctor(as_json: AsJson = False, quiet: Quiet = False) -> None:
    """Show installed versions, what this machine supports, and missing packages."""
    from modelwright.training.doctor import examine_installation

    print_report(examine_installation(), as_json=as_json)
