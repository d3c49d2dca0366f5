"""What the tools of the example agents really do: one JSON line per call, for tests and eyes."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any

LOG_VARIABLE = "HITLOOP_AGENT_LOG"


def record(tool: str, **args: Any) -> None:
    """Append the call to the file named by HITLOOP_AGENT_LOG, if there is one."""
    path = os.environ.get(LOG_VARIABLE)
    if not path:
        return
    entry = {"tool": tool, "args": args, "at": datetime.now(UTC).isoformat(), "pid": os.getpid()}
    line = json.dumps(entry, ensure_ascii=False, default=str) + "\n"
    # One write in append mode: lines of several processes do not mix.
    with open(path, "ab", buffering=0) as log:
        log.write(line.encode())
