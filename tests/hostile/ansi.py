"""What a program wrote to a terminal, as tokens; strict: whatever is no plain text is named.

The grammar is ECMA-48 (control functions) with xterm's strings; 8-bit controls count in both of
their forms, as UTF-8 (U+0080 to U+009F) and as bytes that are no UTF-8.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

ENDS = {"\x07", "\x9c"}
_STRINGS = {"]": "OSC", "P": "DCS", "_": "APC", "^": "PM", "X": "SOS"}
_C1 = {"\x9d": "]", "\x90": "P", "\x9f": "_", "\x9e": "^", "\x98": "X"}
_PLAIN = re.compile(r"[ -~\u00a0-\u00ac\u00ae-\u02ff\u2190-\u21ff\u2500-\u25ff]+")
_CSI = re.compile(r"[\x30-\x3f]*[\x20-\x2f]*[\x40-\x7e]")


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is TEXT, C0, C1, DEL, ESC, CSI, OSC, DCS, APC, PM, SOS, BAD or HIDDEN."""

    kind: str
    body: str
    eight_bit: bool = False


def tokens(data: bytes) -> Iterator[Token]:
    """All of `data`; a sequence that ends too soon is BAD."""
    text = data.decode("utf-8", "surrogateescape")
    at = 0
    while at < len(text):
        char = text[at]
        if plain := _PLAIN.match(text, at):
            token, at = Token("TEXT", plain[0]), plain.end()
        elif char == "\x1b":
            token, at = _escape(text, at + 1)
        elif char == "\x9b":
            token, at = _csi(text, at + 1, eight_bit=True)
        elif char in _C1:
            token, at = _string(text, at + 1, _C1[char], eight_bit=True)
        else:
            token, at = _plain(char), at + 1
        yield token


def _plain(char: str) -> Token:
    code, category = ord(char), unicodedata.category(char)
    if code < 0x20:
        return Token("C0", char)
    if code == 0x7F:
        return Token("DEL", char)
    if code < 0xA0 and code >= 0x80:
        return Token("C1", char, eight_bit=True)
    if category == "Cs":
        return Token("BAD", char)
    if category in ("Cf", "Co", "Cn", "Zl", "Zp") or (category == "Zs" and char not in " \xa0"):
        return Token("HIDDEN", char)
    return Token("TEXT", char)


def _escape(text: str, at: int) -> tuple[Token, int]:
    if at == len(text):
        return Token("BAD", "\x1b"), at
    char = text[at]
    if char == "[":
        return _csi(text, at + 1)
    if char in _STRINGS:
        return _string(text, at + 1, char)
    end = at
    while end < len(text) and " " <= text[end] <= "/":
        end += 1
    if end == len(text) or not "0" <= text[end] <= "~":
        return Token("BAD", f"\x1b{text[at : end + 1]}"), min(end + 1, len(text))
    return Token("ESC", text[at : end + 1]), end + 1


def _csi(text: str, at: int, *, eight_bit: bool = False) -> tuple[Token, int]:
    match = _CSI.match(text, at)
    if match is None:
        return Token("BAD", f"CSI {text[at : at + 8]!r}", eight_bit), at
    return Token("CSI", match[0], eight_bit), match.end()


def _string(text: str, at: int, kind: str, *, eight_bit: bool = False) -> tuple[Token, int]:
    end = at
    while end < len(text) and text[end] not in ENDS and text[end] not in "\x1b\x18\x1a":
        end += 1
    closed = text[end : end + 1] in ENDS
    if text.startswith("\x1b\\", end):
        return Token(_STRINGS[kind], text[at:end], eight_bit), end + 2
    if closed:
        return Token(_STRINGS[kind], text[at:end], eight_bit), end + 1
    return Token("BAD", f"{_STRINGS[kind]} {text[at:end]!r}", eight_bit), end


SGR = frozenset(map(str, (0, 1, 2, 3, 4, 7, 9, 22, 23, 24, 27, 29, 39, 49)))
"""Attributes without colours. Conceal (8), blink and fonts are not among them."""
MODES = frozenset(
    f"?{mode}{switch}"
    for mode in (25, 1000, 1002, 1003, 1004, 1006, 1015, 1016, 1049, 2004, 2026, 2048, 7)
    for switch in "hl"
)
QUERIES = frozenset(("?2026$p", "?2048$p", ">1u", ">25u", "<u", "?u", "c", ">4;1m", ">4;0m"))

POINTERS = frozenset(("22;default", "22;pointer", "22;text"))


def foreign(found: Iterable[Token], *, clipboard: Iterable[str] = ()) -> list[Token]:
    """Tokens that the console has no reason to write. `clipboard` is what it may copy."""
    may_copy = {base64.b64encode(text.encode()).decode() for text in clipboard}
    return [token for token in found if not _ours(token, may_copy)]


def _ours(token: Token, may_copy: set[str]) -> bool:
    if token.eight_bit:
        return False
    match token.kind:
        case "TEXT":
            return True
        case "C0":
            return token.body in "\r\n"
        case "CSI":
            return _our_csi(token.body)
        case "OSC":
            selector, _, data = token.body.partition(";c;")
            return token.body in POINTERS or (selector == "52" and data in may_copy)
    return False


@cache
def _our_csi(body: str) -> bool:
    if body in MODES or body in QUERIES:
        return True
    if body.endswith("m"):
        return _our_sgr(body[:-1])
    return re.fullmatch(r"[0-9]{0,3}(;[0-9]{1,3})?H|[02]?J|[02]?K", body) is not None


def _our_sgr(body: str) -> bool:
    """Known attributes, the 16 colours, and 24-bit colours."""
    numbers = body.split(";") if body else ["0"]
    while numbers:
        number = numbers.pop(0)
        if number in ("38", "48"):
            if numbers[:1] == ["2"] and len(numbers) >= 4:
                channels, numbers = numbers[1:4], numbers[4:]
            elif numbers[:1] == ["5"] and len(numbers) >= 2:
                channels, numbers = numbers[1:2], numbers[2:]
            else:
                return False
            if not all(each.isdecimal() and int(each) < 256 for each in channels):
                return False
        elif number not in SGR and not re.fullmatch(r"3[0-7]|4[0-7]|9[0-7]|10[0-7]", number):
            return False
    return True
