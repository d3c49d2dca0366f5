"""Masks, and texts without the values that masks stand for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

DOT = "•"
DOTS = DOT * 4
SHORT = 4
"""A value of fewer characters is not looked for in prose: it may stand in any word."""


class Mask(str):
    """What stands in place of a value. Its text is found again by `Masks.restored`."""

    __slots__ = ()


def without(values: Iterable[Any]) -> Callable[[str], str]:
    """Takes values out of a text, however they were quoted in it."""
    found = {form for value in values for form in _forms(value)}
    if not found:
        return lambda text: text
    longest_first = sorted(found, key=lambda form: (-len(form), form))

    def words(text: str) -> str:
        for form in longest_first:  # compiling a pattern of 10 MB would take minutes
            text = text.replace(form, DOTS)
        return text

    return words


def _forms(value: Any) -> Iterator[str]:
    match value:
        case str() if len(value) >= SHORT:
            yield from (value, repr(value)[1:-1], json.dumps(value)[1:-1])
        case int() | float() if len(str(value)) >= SHORT:
            yield str(value)
        case dict():
            for item in value.values():
                yield from _forms(item)
        case list() | tuple():
            for item in value:
                yield from _forms(item)


def in_texts(words: Callable[[str], str], value: Any) -> Any:
    match value:
        case Mask():
            return value
        case str():
            return words(value)
        case dict():
            return {name: in_texts(words, item) for name, item in value.items()}
        case list():
            return [in_texts(words, item) for item in value]
    return value
