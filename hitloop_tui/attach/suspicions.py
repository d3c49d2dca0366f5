"""What in an agent's text could mislead an eye, in sentences for the person who decides.

Every text of an Action is looked at in full, however little of it is on the screen. In machine
text (addresses, paths, ids, names of arguments) each character outside ASCII is named; in prose
only what is odd there, so that people who write in other scripts are not drowned.
"""

from __future__ import annotations

import math
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any

from hitloop_tui.attach.chars import before, counts, unprintable, words
from hitloop_tui.attach.decode import TYPE
from hitloop_tui.attach.domains import domain_doubts, is_address, latin_twin
from hitloop_tui.attach.leaves import SAFE_INTEGER, Kind, leaves
from hitloop_tui.attach.review import ReviewAction
from hitloop_tui.safetext import UNSURE, hidden_characters

LONG = 64 * 1024
"""Characters; a longer text is never on the screen at once."""
MANY_LINES = 2000
MAX_WORDS = 20_000
"""Addresses, names and paths of one text that are looked at; characters are, in all of it."""
MAX_STRANGE = 200_000
"""The same for words that are compared with Latin ones."""
STACKED = 7
"""Marks on one letter: Burmese has up to five, cantillated Hebrew six."""
MAX_NAMED = 4
"""Different characters named in one warning."""
MAX_WARNINGS = 20

_WORD = re.compile(r"[^\W\d_]{2,}")
_MACHINE = re.compile(
    r"\S@\S|://|^[/~]\S|^\.{1,2}/|^[A-Za-z]:\\|\w\.[a-z0-9]{2,4}$|\w_\w", re.IGNORECASE
)
"""Words that a program reads: addresses, URLs, paths, file and host names, identifiers."""
_SIGN = re.compile(r"[@/~.\\_]")
"""All of them have one of these."""
_AROUND = "()[]<>{}\"'`.,:;!?…" + "".join(map(chr, (*range(0x2018, 0x2020), 0xAB, 0xBB)))
_AROUND += "".join(
    map(chr, (*range(0x3001, 0x3003), *range(0x3008, 0x3012), 0xFF01, 0xFF08, 0xFF09))
)
_AROUND += "".join(map(chr, (0xFF0C, 0xFF1A, 0xFF1B, 0xFF1F)))
_LOOKALIKES = ("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC")
_STYLED = ("FULLWIDTH LATIN", "MATHEMATICAL")
_HOLD_DATA = {"datetime", "decimal", "uuid", "pathlib", "collections", "ipaddress", "zoneinfo"}
_HOLD_DATA |= {"re", "enum", "fractions", "array", "types"}
_BUILTINS = {f"builtins.{name}" for name in ("set", "frozenset", "bytearray", "complex", "range")}
_AFTER = "\u200b\u200c\u200d"
_UNSPACED = ("KHMER", "THAI", "LAO", "MYANMAR")
_MARKS = "\u200e\u200f"
_CONTROLS = {"\x1b": "ESCAPE", "\x00": "NULL", "\x07": "BELL", "\x08": "BACKSPACE"}
_CONTROLS |= {"\x7f": "DELETE", "\x9b": "CONTROL SEQUENCE INTRODUCER"}


def suspicions(action: ReviewAction) -> list[str]:
    """One sentence for each thing that is odd; raw text, to be shown through `safetext`."""
    found: list[str] = []
    for where, value, kind in leaves(action):
        match value:
            case str():
                found += islice(_text(where, value, kind), MAX_WARNINGS + 1)
            case dict():
                found += [*_no_texts(where, value), *_callable(where, value)]
            case _:
                found += _number(where, value)
        if len(found) > MAX_WARNINGS:
            return [*found[:MAX_WARNINGS], "and more of this kind"]
    return found


def _text(where: str, text: str, kind: Kind) -> Iterator[str]:
    lines = text.count("\n") + 1
    if len(text) > LONG or lines > MANY_LINES + 1:
        yield f"{where}: {len(text):,} characters, lines: {lines:,}: more than is shown at once"
    if is_address(text):
        yield from _addresses(where, text)
    chars = unprintable(text)
    if not chars:
        return
    hidden = set(hidden_characters("".join(chars)))
    odd = [char for char in hidden if not _usual(char, text, chars)]
    if odd:
        yield f"{where}: hidden characters, shown as escapes: {_counted(odd, text)}"
    seen = [char for char in chars - hidden if not char.isascii()]
    if not seen:
        return
    yield from _stacked(where, text, seen)
    if kind is Kind.MACHINE or (kind is Kind.ANY and _is_machine(text)):
        yield f"{where}: not plain ASCII: {_counted(seen, text)}"
    else:
        yield from _words_of_machines(where, text)
    strange = {char for char in seen if _name(char).startswith((*_LOOKALIKES, *_STYLED))}
    if strange:
        yield from _disguised(where, text, strange)


def _stacked(where: str, text: str, chars: Iterable[str]) -> Iterator[str]:
    """More marks on one letter than any script puts there."""
    marks = [char for char in chars if unicodedata.category(char) in ("Mn", "Me")]
    if marks and re.search(f"[{''.join(marks)}]{{{STACKED},}}", text):
        yield f"{where}: marks stacked on one letter, shown as escapes: {_counted(marks, text)}"


def _addresses(where: str, text: str) -> Iterator[str]:
    found = (word for word in words(text, is_address) if is_address(word))
    for doubt in domain_doubts(islice(found, MAX_WORDS)):
        yield f"{where}: {doubt}"
    if next(found, None) is not None:
        yield f"{where}: more than {MAX_WORDS:,} addresses: not all were looked at"


def _words_of_machines(where: str, text: str) -> Iterator[str]:
    """In prose: the addresses, paths and names that a program reads."""
    signed = (word.strip(_AROUND) for word in words(text, _odd_and_signed) if _odd_and_signed(word))
    cores = (core for core in signed if _odd_and_signed(core))
    for core in islice(cores, MAX_WORDS):
        if _is_machine(core):
            seen = {char for char in core if not char.isascii()} - set(hidden_characters(core))
            if seen:
                yield f"{where}: {core[:60]} is not plain ASCII: {_counted(seen, core)}"
    if next(cores, None) is not None:
        more = f"more than {MAX_WORDS:,} words that are not plain ASCII and may be names or paths"
        yield f"{where}: {more}: not all were looked at"


def _odd_and_signed(text: str) -> bool:
    """Whether it may hold a word of a program's that is not ASCII."""
    return not text.isascii() and _SIGN.search(text) is not None


def _not_ascii(text: str) -> bool:
    return not text.isascii()


def _disguised(where: str, text: str, strange: set[str]) -> Iterator[str]:
    """The first word that could be taken for a Latin one and is not."""
    latin = None
    found = (word for word in words(text, _not_ascii) if not strange.isdisjoint(word))
    for match in chain.from_iterable(map(_WORD.finditer, islice(found, MAX_STRANGE))):
        word = match[0]
        odd = [char for char in word if char in strange]
        if not odd:
            continue
        if len(odd) == len(word) and not _name(word[0]).startswith(_STYLED):
            # A whole word of another script is what its readers write, unless it stands among
            # Latin ones and every letter of it has a Latin twin.
            latin = _mostly_latin(text) if latin is None else latin
            if not latin or not latin_twin(word):
                continue
        twin = latin_twin(word)
        like = f" (it looks like {twin})" if twin else ""
        names = ", ".join(_named(char) for char in dict.fromkeys(odd[:MAX_NAMED]))
        yield f"{where}: {word[:60]} is not Latin{like}: {names}"
        return
    if next(found, None) is not None:
        more = f"more than {MAX_STRANGE:,} words in letters that may look like Latin ones"
        yield f"{where}: {more}: not all were looked at"


def _mostly_latin(text: str) -> bool:
    letters = [char for char in text[:2000] if char.isalpha()]
    return sum(char.isascii() for char in letters) * 2 >= len(letters)


def _is_machine(text: str) -> bool:
    """One word that a program reads, rather than a person."""
    if len(text.split(maxsplit=1)) != 1 or not _SIGN.search(text):
        return False
    return len(text) > LONG or _MACHINE.search(text) is not None


def _number(where: str, value: int | float) -> Iterator[str]:
    if isinstance(value, float) and not math.isfinite(value):
        yield f"{where}: {value} is a number that JSON cannot carry"
    elif value == 0 and math.copysign(1, value) < 0:
        yield f"{where}: it is minus zero, which other programs may read as zero"
    elif isinstance(value, int) and abs(value) >= SAFE_INTEGER:
        yield f"{where}: {value} is beyond 2^53: other programs may read another number"


def _usual(char: str, text: str, chars: set[str]) -> bool:
    """Characters that print as nothing and yet belong there in the scripts that use them.

    `chars` are those of `text` that ASCII does not print.
    """
    if char in UNSURE:  # flags, skin tones and Korean in pieces are words, not tricks
        return True
    if char in "\u00a0\u202f\u3000\u00ad":  # no-break and ideographic spaces, soft hyphen
        return True
    if char == "\ufe0f":
        return any(unicodedata.category(other) == "So" for other in chars)
    if char in _MARKS:
        return any(unicodedata.bidirectional(other) in ("R", "AL") for other in chars)
    if char in _AFTER and not text.startswith(char):
        return all(_takes(other or char, char) for other in before(char, text))
    return False


def _takes(before: str, char: str) -> bool:
    """Whether a script puts the character after this one: joiners shape Indic and Arabic letters
    and bind emoji, zero-width spaces part words in scripts that write none between them."""
    if char == "\u200b":
        return _name(before).startswith(_UNSPACED)
    return not before.isascii() and not _name(before).startswith(("LATIN", *_LOOKALIKES))


def _callable(where: str, value: Mapping[Any, Any]) -> Iterator[str]:
    """An object of the standard library that holds no data: stored to be called, not to be read."""
    kind = value.get(TYPE)
    if not isinstance(kind, str) or kind in _BUILTINS:
        return
    module = kind.partition(".")[0]
    if module in sys.stdlib_module_names and module not in _HOLD_DATA:
        place = where or "the arguments"
        yield f"{place}: it names {kind[:60]}, which a program that trusts the database would call"


def _no_texts(where: str, values: Mapping[Any, Any]) -> Iterator[str]:
    """Names that are no text: a program that turns them into one may mix two of them up."""
    for name in values:
        if not isinstance(name, str):
            twin = f", beside the text {name}" if str(name) in values else ""
            place = where or "the arguments"
            yield f"a name in {place} is no text but {type(name).__name__}: {str(name)[:60]}{twin}"


def _counted(chars: Iterable[str], text: str) -> str:
    """The characters by how often they stand in the text."""
    found = sorted(counts(set(chars), text).items(), key=lambda each: (-each[1], each[0]))
    names = [f"{_named(char)} x{count}" for char, count in found[:MAX_NAMED]]
    if len(found) > MAX_NAMED:
        names.append(f"{len(found) - MAX_NAMED} others")
    return ", ".join(names)


def _named(char: str) -> str:
    return f"U+{ord(char):04X} {_name(char)}".rstrip()


def _name(char: str) -> str:
    return unicodedata.name(char, _CONTROLS.get(char, ""))
