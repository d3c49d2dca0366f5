"""The command line: thin commands over `attach`.

Standard output is data, standard error is narration. Exit codes: 0 done, 1 something failed,
2 bad input, 3 already decided or stale.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from hitloop_tui.cli.group import hitloop
from hitloop_tui.cli.narration import report, tell_of_crash
from hitloop_tui.errors import BadInput, HitloopError

__all__ = ["hitloop", "main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    sys.excepthook = tell_of_crash
    try:
        hitloop(list(sys.argv[1:] if arguments is None else arguments), prog_name="hitloop-tui")
    except HitloopError as error:
        sys.exit(report(error))
    except OSError as error:  # a name that is too long, a folder that one may not enter
        sys.exit(report(BadInput(str(error))))
