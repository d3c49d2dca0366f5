"""Which characters and words a text of any length has, without one call that takes long.

A call into C keeps the interpreter to itself, so a console that reads 10 MB would not move.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping

CHUNK = 256 * 1024
"""Characters that are looked at at once, in some 5 ms."""
FEW = 16
"""Different characters up to which each is counted by itself."""
_PRINTABLE = bytes(range(0x20, 0x7F))


def unprintable(text: str) -> set[str]:
    """All characters of `text` but the printable ones of ASCII."""
    found: set[str] = set()
    for part in _parts(text):
        if not part.isascii():
            found.update(part)
        elif not part.isprintable():
            found.update(part.encode().translate(None, _PRINTABLE).decode())
    return {char for char in found if not (char.isascii() and char.isprintable())}


def counts(chars: Collection[str], text: str) -> Mapping[str, int]:
    """How often each of them stands in `text`."""
    if len(chars) <= FEW:
        return {char: text.count(char) for char in chars}
    found: Counter[str] = Counter()
    for part in _parts(text):
        found.update(part)
    return {char: found[char] for char in chars}


def before(char: str, text: str) -> set[str]:
    """What `char` stands after; the empty text, where it begins the text or follows itself."""
    return {part[-1:] for part in text.split(char)[:-1]}


def words(text: str, worth: Callable[[str], bool]) -> Iterator[str]:
    """The words of those parts of a text that are worth it, from the first to the last."""
    at = 0
    while at < len(text):
        part = text[at : at + CHUNK]
        if at + CHUNK < len(text) and not part[-1].isspace():
            *others, cut = part.rsplit(maxsplit=1)
            part = part[: -len(cut)] if others else part  # one word may be longer than a part
        if worth(part):
            yield from part.split()
        at += len(part)


def _parts(text: str) -> Iterator[str]:
    return (text[at : at + CHUNK] for at in range(0, len(text), CHUNK))
