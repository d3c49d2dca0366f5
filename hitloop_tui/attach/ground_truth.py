"""What only the experimenter knows: it stays out of the trace, for whoever reads that may be the
person under study."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

STATE_KEYS = {"_injected_error", "injected_error"}
"""Whether an Action carries an injected error, as graphs keep it in their state."""

_KEYS = re.compile(r"inject|^(validation_details|task_success|error_caught|escaped)$")
"""The same in telemetry, and what only follows from it."""
_CALLS = {"tool_args", "edited_args", "proposed"}
"""Calls are shown as they are, whatever their arguments are called."""
_NESTED = (dict, list)
_MARK = "INJECTED_ERROR"
"""hitloop 0.5 writes it among the side effects of a wrong Action."""


def without_truth(payload: Any) -> Any:
    """A payload of telemetry as anybody may see it."""
    match payload:
        case dict():
            return {
                key: without_truth(item) if type(item) in _NESTED and key not in _CALLS else item
                for key, item in payload.items()
                if not _is_truth(key)
            }
        case list():
            return [without_truth(item) for item in payload if item != _MARK]
    return payload


@lru_cache(maxsize=1000)
def _is_truth(key: str) -> bool:
    return _KEYS.search(key) is not None
