"""Secrets inside an argument that is itself the text of a JSON document, as bodies of requests."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

MAX_TEXT = 65_536
"""Characters; longer texts are not looked through."""
_BEGINNINGS = frozenset("{[")
_NAME = re.compile(r'"((?:[^"\\]|\\.){1,100})"\s*:\s*')
_DECODER = json.JSONDecoder()


def texts_like_json(values: Iterable[Any]) -> list[str]:
    begun = [text for text in values if type(text) is str and text[:1] in _BEGINNINGS]
    return [text for text in begun if len(text) <= MAX_TEXT]


def secrets_in(text: str, hides: Callable[[str, Any], bool]) -> Iterator[tuple[int, int, Any]]:
    """Each value that stands under a hidden name: from where, to where, and itself; up to where
    the text is no JSON."""
    at = 0
    with suppress(ValueError, RecursionError):
        while match := _NAME.search(text, at):
            at = match.end()
            name = json.loads(f'"{match[1]}"')
            if hides(name, "any"):
                value, end = _DECODER.raw_decode(text, at)
                if hides(name, value):
                    yield at, end, value
                    at = end
