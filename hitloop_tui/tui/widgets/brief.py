"""A value in few words, for a line of the trace. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from hitloop_tui.safetext import Safe, safe_lines
from hitloop_tui.tui.glyphs import G
from hitloop_tui.tui.widgets.rows import TIED, own
from hitloop_tui.tui.widgets.values import LINE_END, counted, without_signs

MAX_TEXT = 400
"""Characters of an error or a question that a line shows."""
MAX_VALUE = 80
"""The same for results and updates: what passes by, not what needs a person."""
WORTH_CUTTING = 24
"""Characters that are not cut, since saying so takes as much room."""

_STORED = '"__type__": "langchain_core.messages.'
_SAID = re.compile(
    r'"__type__": "langchain_core\.messages\.\w+\.(\w+?)(?:Message)?(?:Chunk)?",'
    r' "content": "((?:[^"\\]|\\.)+)'
)


def duration(milliseconds: float) -> str:
    """`420 ms`, `1.4 s`, `2 m 05 s`."""
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds // 60:.0f} m {seconds % 60:02.0f} s"


def tied(milliseconds: float) -> Safe:
    """A duration that no row divides."""
    return own(duration(milliseconds).replace(" ", TIED))


def brief(value: Any, limit: int = MAX_TEXT) -> Safe:
    """A value on one line; what is cut is counted."""
    match value:
        case None:
            return own("")
        case str():
            text = value
        case Mapping():
            text = ", ".join(f"{key}: {_compact(item)}" for key, item in value.items())
        case _:
            text = _compact(value)
    hidden = len(text) - limit
    if hidden <= WORTH_CUTTING:
        return _on_one_line(text)
    return Safe(f"{_on_one_line(text[:limit])} {G.ellipsis} +{counted(hidden, 'character')}")


def _on_one_line(text: str) -> Safe:
    return Safe(f"{LINE_END} ".join(without_signs(each) for each in safe_lines(text)))


def _compact(value: Any) -> str:
    match value:
        case str():
            return _stored_messages(value) or value
        case [{"type": str(), "content": str()}, *_] if all(map(_is_message, value)):
            return "; ".join(f"{said['type']}: {said['content']}" for said in value)
    return json.dumps(value, default=repr, ensure_ascii=False)


def _stored_messages(text: str) -> str:
    """What was said, of messages as checkpoints store them; empty for anything else."""
    if _STORED not in text[:60]:
        return ""
    return "; ".join(f"{role.lower()}: {_unquoted(said)}" for role, said in _SAID.findall(text))


def _unquoted(said: str) -> str:
    try:
        return str(json.loads(f'"{said}"'))
    except ValueError:
        return said


def _is_message(value: Any) -> bool:
    match value:
        case {"type": str(), "content": str(content)}:
            return bool(content)
    return False
