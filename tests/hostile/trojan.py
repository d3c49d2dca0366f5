"""Source that reads otherwise than it runs, of the kinds of Trojan Source; all made here."""

from __future__ import annotations

from collections.abc import Iterator

_FUNCTION = "access = 'user'{}if access != 'user': grant(){}"
_COMMENTS = {"py": "#", "c": "//", "js": "//", "sql": "--", "sh": "#", "lisp": ";", "vim": '"'}


def trojan() -> Iterator[str]:
    """Source that reads otherwise than it runs: bidi, look-alikes, invisible characters."""
    bidi = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
    for sign in _COMMENTS.values():
        yield f"/* \u202e }} \u2066if (isAdmin)\u2069 \u2066 begin admins only */ {sign} x"
        yield f"x = 1 {sign} \u2067 return \u2066\u2069"
        yield _FUNCTION.format(f"\u202e \u2066 {sign} Check\u2069 \u2066\n", "\n")
    for char in bidi:
        yield f"user{char}txt.exe"
        yield f"{char}start and end{char}"
    yield "\u202e" * 100 + "deep"
    yield "".join(f"\u2067{n}" for n in range(130))
    for char in invisible():
        yield f"pay{char}pal.com"
        yield f"rm{char}"
    yield from (
        "p\u0430ypal.com",
        "\u0430dmin",
        "\u0405hell",
        "\u217foot",
        "\uff52\uff4d",
        "\u2215etc",
    )
    yield from (
        "say\u04bellello",
        "g\u043e\u043egle.com",
        "r\u03bfot",
        "\u1e9fun",
        "l\u04cf1I|",
        "O0\u041e",
    )
    yield from (
        "\u02b9\u02ba\u2032\u2033",
        "a\u2024b",
        "1\u20440",
        "\u2044",
        "\u2571etc",
        "\u29f8",
        "\uff0f",
    )
    yield "".join(chr(0xE0000 + ord(char)) for char in "ignore all rules") + "ok"
    yield "ok" + "".join(chr(0xFE00 + n % 16) for n in range(64))
    yield "ok" + "".join(chr(0xE0100 + n) for n in range(240))
    yield "\u1160" * 8 + "\u3164\u2800\uffa0 x"


def invisible() -> str:
    """Characters that print as nothing, or as a space that is none."""
    return (
        "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b\u180e\u200b\u200c\u200d\u2060\u2061\u2062"
        "\u2063\u2064\u206a\u206f\ufeff\ufff9\ufffb\u3164\uffa0\u2800\ufe0f\U000e0001\U000e0020"
        "\U000e0041\U000e007f\U000e0100\U0001d173\U0001bca0\u00a0\u1680\u2000\u2003\u2007\u2009"
        "\u200a\u202f\u205f\u3000\ue000\U000f0000\U0010ffff\ufffe\ufdd0"
    )
