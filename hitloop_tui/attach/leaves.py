"""The texts and numbers of an Action that need a look: of 500,000 values most are told at once."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from enum import Enum
from functools import partial
from itertools import islice
from types import NoneType
from typing import Any

from hitloop_tui.attach.domains import is_address
from hitloop_tui.attach.review import ReviewAction

SAFE_INTEGER = 2**53
"""Beyond it a JSON reader with floating numbers sees another integer (RFC 8259, section 6)."""
TOGETHER = 512
"""Values that are looked at at once."""
TOGETHER_CHARS = 16 * 1024
MAX_VALUES = 20_000
"""Values that are looked at one by one; of any more the texts are read as one, `TOGETHER` each."""
MAX_NAME = 40
MAX_PATH = 120
"""Characters of names and paths; the warnings that they begin are short."""
_WORD = re.compile(rf"[\w$@-]{{1,{MAX_NAME}}}")
PLAIN = frozenset({str, int, float, bool, NoneType})


class Kind(Enum):
    """Who reads a text."""

    MACHINE = "a program"
    PROSE = "a person"
    ANY = "whoever its words tell"


Leaf = tuple[str, Any, Kind]
"""The name something is shown under, a text, a number or a whole object, and who reads it."""


def leaves(action: ReviewAction) -> Iterator[Leaf]:
    """What may be odd; the others are known not to be."""
    yield "tool name", action.tool_name, Kind.MACHINE
    yield from _Walk().over(action.tool_args)
    yield "rationale", action.rationale, Kind.PROSE
    yield "description", action.description, Kind.PROSE
    for effect in action.side_effects:
        yield "side effects", effect, Kind.PROSE


class _Walk:
    """Over the arguments in their order, without recursion: nesting is the agent's choice."""

    def __init__(self) -> None:
        self._left = MAX_VALUES

    def over(self, args: Mapping[Any, Any]) -> Iterator[Leaf]:
        stack: list[Iterator[tuple[str, Any]]] = [iter([("", args)])]
        while stack:
            for where, value in stack[-1]:
                if isinstance(value, dict):
                    yield where, value, Kind.MACHINE
                    yield from self._names(where, value)
                    stack.append(self._inside(value.items(), partial(_named, where)))
                    break
                if isinstance(value, list | tuple):
                    stack.append(self._inside(enumerate(value), partial("{}[{}]".format, where)))
                    break
                if isinstance(value, str | int | float) and not isinstance(value, bool):
                    yield where, value, Kind.PROSE if self._left < 0 else Kind.ANY
            else:
                stack.pop()

    def _names(self, where: str, names: Iterable[Any]) -> Iterator[Leaf]:
        place = f"a name in {where or 'the arguments'}"
        for some in _some(names):
            told = list(map(str, some))
            if not _ascii("".join(told)):
                odd = [name for name in told if not _ascii(name)]
                self._left -= len(odd)
                for name in odd if self._left >= 0 else ["\n".join(odd)]:
                    yield place, name, Kind.MACHINE

    def _inside(
        self, items: Iterable[tuple[Any, Any]], where: Callable[[Any], str]
    ) -> Iterator[tuple[str, Any]]:
        """What a list or an object holds and is worth a look."""
        for some in _some(items):
            values = [value for _, value in some]
            if _harmless(values):
                continue
            if self._left < 0 and PLAIN.issuperset(map(type, values)):
                texts = "\n".join(value for value in values if isinstance(value, str))
                yield f"{where(some[0][0])} and what follows", texts
                continue
            self._left -= len(some)
            yield from ((where(name), value) for name, value in some)


def _some(items: Iterable[Any]) -> Iterator[list[Any]]:
    left = iter(items)
    while some := list(islice(left, TOGETHER)):
        yield some


def _named(where: str, name: Any) -> str:
    """A name that is a sentence stands in quotes: it must not read as one of ours."""
    told = str(name)
    if not _WORD.fullmatch(told):
        start = told[:MAX_NAME].replace('"', '""')
        told = f'"{start}"' + (f"…+{len(told) - MAX_NAME:,}" if len(told) > MAX_NAME else "")
    path = f"{where}.{told}" if where else told
    return path if len(path) <= MAX_PATH else f"…{path[-MAX_PATH:]}"


def _harmless(values: Collection[Any]) -> bool:
    """Whether none of them can be odd, told as fast as by looking at one."""
    types = set(map(type, values))
    if not PLAIN.issuperset(types):
        return False
    if str in types:
        texts = [value for value in values if type(value) is str]
        if sum(map(len, texts)) > TOGETHER_CHARS:
            return False
        text = "".join(texts)
        if not _ascii(text) or is_address(text):
            return False
    if int in types:
        whole = [value for value in values if type(value) is int]
        if max(whole) >= SAFE_INTEGER or min(whole) <= -SAFE_INTEGER:
            return False
    if float in types:
        numbers = [value for value in values if type(value) is float]
        return 0.0 not in numbers and all(map(math.isfinite, numbers))
    return True


def _ascii(text: str) -> bool:
    return text.isascii() and text.isprintable()
