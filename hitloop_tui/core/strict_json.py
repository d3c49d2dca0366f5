"""JSON that a person typed: what reads as two things, or as none, is refused."""

from __future__ import annotations

import json
from typing import Any


class NotJson(ValueError):
    """Why a text is no JSON; names line and column where they are known."""


def parse_json(text: str) -> Any:
    """The value of a JSON text; NotJson for anything else, NaN and repeated names included."""
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_constant)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise NotJson(f"{where}: {error.msg[:1].lower()}{error.msg[1:]}") from None
    except RecursionError:
        raise NotJson("nested too deeply") from None
    except NotJson:
        raise
    except ValueError as error:  # an integer of thousands of digits
        raise NotJson(str(error)) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise NotJson(f"{name}: given twice in one object")
        found[name] = value
    return found


def _constant(name: str) -> Any:
    raise NotJson(f"{name} is not JSON")
