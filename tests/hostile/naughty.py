"""What programs take for something else, of the kinds of the Big List of Naughty Strings; all made
here."""

from __future__ import annotations

from collections.abc import Iterator


def naughty() -> Iterator[str]:
    """Words and numbers that programs take for something else, scripts, emoji, injections."""
    yield from ("", " ", "  ", "\t", "\n", "\r\n", "\n\n\n", " x", "x ", "x" + " " * 300 + "y")
    yield from (
        "undefined",
        "null",
        "NULL",
        "None",
        "nil",
        "true",
        "False",
        "NaN",
        "-Infinity",
        "hasOwnProperty",
    )
    yield from (
        "then",
        "constructor",
        "__proto__",
        "__class__",
        "self",
        "\\",
        "\\\\",
        "/",
        "//",
        ".",
        "..",
    )
    yield from (
        "0",
        "1",
        "1.00",
        "-1",
        "-0",
        "1E2",
        "1e999",
        "0x0",
        "0xffffffff",
        "1_000",
        "1,000.00",
        "1/0",
    )
    yield from (
        "9" * 60,
        "1.7976931348623157e309",
        "2147483648",
        "9007199254740993",
        "\u0661\u0662",
        "\u2460",
    )
    yield from (
        ",./;'[]\\-=",
        '<>?:"{}|_+',
        "!@#$%^&*()`~",
        "\u2126\u2248\u00e7",
        "\u00e5\u00df\u2202",
        "\u2200x\u2208",
    )
    yield from (
        "\u00a1\u2122\u00a3",
        "\u0152\u2030",
        "\u2070\u2074\u2075",
        "\u02d9\u02c6",
        "\u201c\u2018x\u2019\u201d",
        "\uff03",
    )
    yield from (
        "\u7530\u4e2d\u3055\u3093",
        "\u30d1\u30fc\u30c6\u30a3",
        "\uc0ac\ud68c",
        "\U00020000\U0002a6d6",
        "\u8868\u30dd",
    )
    yield from (
        "\u05d0\u05d1\u05d2",
        "\u0645\u0631\u062d\u0628\u0627",
        "\u05d0\u05d1\u05d2def",
        "\u0e01\u0e33",
        "\u0915\u094d\u0937",
    )
    yield from (
        "\U0001f60d",
        "\U0001f469\U0001f3fd",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "\U0001f1fa\U0001f1f8",
    )
    yield from (
        "\u2764\ufe0f",
        "1\ufe0f\u20e3",
        "\U0001f3f4\U000e0067\U000e0062\U000e007f",
        "\U0001f468\u200d\U0001f4bb",
    )
    yield "".join(char + "\u0321\u035e\u0322\u0315\u0318\u0347\u0353" * 4 for char in "zalgo")
    yield from (
        "\u0301leading mark",
        "x" + "\u0489" * 30,
        "e\u0301",
        "\u00e9",
        "\u1e9b\u0323",
        "\ufb01",
        "\u01c6",
    )
    yield from (
        "' OR 1=1 --",
        "1; DROP TABLE users",
        "'; EXEC xp_cmdshell('x')--",
        "%",
        "_",
        '" OR ""="',
        "`id`",
    )
    yield from (
        "$(touch /tmp/x)",
        "; ls",
        "| cat /etc/passwd",
        "&& reboot",
        "${HOME}",
        "$HOME",
        "~root",
        "*",
        "?",
        "!!",
    )
    yield from (
        "{0}",
        "{}",
        "{x!r}",
        "%s%s%n",
        "%d",
        "%(x)s",
        "{{7*7}}",
        "<%= 7*7 %>",
        "#{7*7}",
        "${7*7}",
        "\\u0041",
    )
    yield from (
        "../../etc/passwd",
        "C:\\x",
        "CON",
        "NUL",
        "aux.txt",
        "file:///etc/passwd",
        "-rf",
        "--help",
        "-",
        "@x",
    )
    yield from (
        "\\x1b[31m",
        "\\u202e",
        "\\U000e0041",
        "\\\\x1b",
        "\\",
        "\\x",
        "\\u12",
        "\\n",
        "\\",
        "x\\",
    )
    yield from (
        "\u23ce",
        "\u2423x312\u2423",
        "a\u2423b",
        "+1,204 characters not shown",
        "\u2502 gutter",
        "\u258e says",
    )
    yield from (
        "Risk: LOW",
        "\u25cf low",
        "\u2713 approve",
        "APPROVAL REQUEST",
        "=" * 60,
        "y",
        "a approve  r reject",
    )
    yield from (
        "a\n  | Risk: LOW\n  | ok",
        "x\n" * 40,
        "\n" * 50 + "rm -rf /",
        "word " * 300,
        "w" * 2000,
        "\u5b57" * 300,
    )
    yield from (
        "a" * 159,
        "a" * 160,
        "a" * 161,
        "\U0001f60d" * 90,
        "e\u0301" * 90,
        " " * 7 + "x",
        " " * 8 + "x",
        "x" + " " * 41,
    )
    yield from (
        "\ud800",
        "\udfff",
        "\ud83d",
        "\ud83d\ude00",
        "a\udcffb",
        "\ufffd",
        "\ufffe",
        "\uffff",
    )
