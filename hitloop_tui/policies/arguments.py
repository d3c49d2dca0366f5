"""What policies look for in the arguments of a call, however deep it lies."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from pydantic import BaseModel


def several(given: str | Iterable[str] | None) -> tuple[str, ...]:
    """Names that were given as a list; a text alone is one name, not a list of its letters."""
    return (given,) if isinstance(given, str) else tuple(given or ())


def named(value: Any, names: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """Every value inside of `value` that stands under one of these names, in any case."""
    wanted = {name.casefold() for name in names}
    for key, inner in parts(value):
        if isinstance(key, str) and key.casefold() in wanted:
            yield key, inner
        yield from named(inner, wanted)


def texts(value: Any) -> Iterator[str]:
    """Everything inside of `value` as text, keys too."""
    inside = list(parts(value))
    if not inside:
        yield str(value)
    for key, inner in inside:
        if key is not None:
            yield str(key)
        yield from texts(inner)


def parts(value: Any) -> Iterator[tuple[Any, Any]]:
    """Keys and values of what has names; None and the elements of what has not."""
    match value:
        case Mapping():
            yield from value.items()
        case list() | tuple() | set() | frozenset():
            yield from ((None, item) for item in value)
        case BaseModel():
            yield from value  # its fields, and what it was given besides
        case _ if is_dataclass(value) and not isinstance(value, type):
            yield from ((field.name, getattr(value, field.name)) for field in fields(value))


def loosely(text: str) -> str:
    """`text` without what the eye overlooks: case, width and other forms of a letter, kinds of
    space, characters that print as nothing."""
    chars = unicodedata.normalize("NFKC", text)
    seen = (" " if char.isspace() else char for char in chars)
    return "".join(char for char in seen if char.isprintable()).casefold()
