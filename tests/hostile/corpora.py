"""Texts meant to mislead a person, a terminal, a parser or a widget; all made here.

The kinds are those of the Big List of Naughty Strings, Trojan Source, JSONTestSuite and esctest2;
none of their data is in this file.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

ESC, BEL, ST = "\x1b", "\x07", "\x1b\\"

CSI_BODIES = (
    *("m", "8m", "31m", "30;40m", "38;5;0;48;5;0m", "38;2;0;0;0;48;2;0;0;0m", "1;5;7m", "4:3m"),
    *("2J", "3J", "H", "1;1H", "999;999H", "9999A", "9999D", "G", "d", "K", "2K", "1P", "99@"),
    *("99L", "99M", "99S", "99T", "99X", "2;3r", "s", "u", "3g", "b", "!p", "?6h", "?5h", "?7l"),
    *("?25l", "?25h", "?47h", "?1049h", "?1049l", "?1000h", "?1002h", "?1003h", "?1006h"),
    *("?2004h", "?2004l", "?2026h", "?2026l", "?2048h", "?1004h", "?9001h", "?3h", "20h", "4h"),
    *("200~", "201~", "6n", "5n", "?6n", "?15n", "c", ">c", "=c", ">q", "x", "?996n", "14t"),
    *("18t", "20t", "21t", "22;0t", "23;0t", "8;1;1t", "2t", "5t", "9;1t", "4i", "5i", "?5i"),
    *("1;2'z", "1'{", "61\"p", "1\"q", "2 q", "1;1;1;1$r", "1;2$p", "?2026$p", ">1u", "?u", "<u"),
    *(">4;2m", ">4n", "?1$w", "2*x", "#{", "#}", "1;1;80;24;1;1*y", "?1;2S", "0 @", "1 A"),
)  # fmt: skip
OSC_BODIES = (
    *("0;approved", "1;icon", "2;title", "l", "3;X=1", "4;1;rgb:ff/ff/ff", "4;1;?", "10;#000000"),
    *("11;?", "12;?", "104", "110", "8;;https://evil.example/", "8;id=1;file:///etc/passwd", "8;;"),
    *("7;file://evil/", "9;notify", "9;4;1;50", "777;notify;a;b", "99;i=1:d=0;x", "22;none"),
    *("52;c;ZXZpbA==", "52;p;?", "52;;!", "133;A", "633;E;ls", "1337;SetUserVar=a=Yg=="),
    *("1337;File=inline=1:QUJD", "1337;ClearScrollback", "50;CursorShape=1", "66;s=7;BIG", "176;x"),
)
DCS_BODIES = (
    *("$qm", "$q r", "+q544e", "0;1|17/17", "q#0;2;0;0;0#0!10~-", "1000p", "=1s", "2$t9"),
    *("tmux;\x1b\x1b[2J", "@kitty-cmd{}", "1$r0m", "{P", "0!uA"),
)
APC_BODIES = ("Gf=32,s=1,v=1,a=T;AAAA", "Ga=d", "G", "hidden words")
SINGLES = "cDEHMNOZ78=><~}|FGVWlno6 9"
"""Finals after ESC alone: reset, index, tab stop, keypad, charsets."""


def escapes() -> Iterator[str]:
    """Terminal controls in 7-bit, C1 and undecodable 8-bit form, whole, broken and split."""
    ends = (BEL, ST, "\x9c", "")
    kinds = {"[": ("\x9b", CSI_BODIES), "]": ("\x9d", OSC_BODIES), "P": ("\x90", DCS_BODIES)}
    kinds |= {"_": ("\x9f", APC_BODIES), "^": ("\x9e", ("hidden",)), "X": ("\x98", ("hidden",))}
    for letter, (c1, bodies) in kinds.items():
        closed = ends if letter != "[" else ("",)
        for body, end in itertools.product(bodies, closed):
            for start in (ESC + letter, c1):
                yield f"a{start}{body}{end}b"
    for gap in ("\x00", "\x7f", "\n", "\r", "\x18", "\x1a", ESC, "\u200b", " ", "\u0301", "\x85"):
        yield f"a{ESC}{gap}[31mb"
        yield f"a{ESC}[3{gap}1mb"
        yield f"a{ESC}]0;t{gap}{BEL}b"
    yield from (f"a{ESC}{final}b" for final in SINGLES)
    yield from (
        f"a{ESC}{two}b" for two in ("#8", "(0lqk", "(B", ")0", "%G", "%@", " F", "*A", "/A")
    )
    yield from (f"a{chr(code)}b" for code in (*range(0x20), *range(0x7F, 0xA0)))
    yield from (f"a\udc9b{body}b" for body in CSI_BODIES[:4])  # a byte that was no UTF-8
    yield "a\udc9d0;t\udc9cb"
    yield "rm -rf ~\rls -l   "
    yield "rm -rf ~" + "\b" * 8 + "ls -l   "
    yield "ok" + "\x7f" * 2 + "no"
    yield "line\x0bfeed\x0cpage\x85next\u2028line\u2029paragraph"
    yield f"{ESC}[6n{ESC}[c{ESC}]10;?{BEL}{ESC}P+q544e{ST}"
    yield f"{ESC}[201~approve\r"


ACTIONS = ("app.quit", "app.bell", "screen.verdict('approve')", "verdict('approve')", "quit")


def markup() -> Iterator[str]:
    """What Textual and Rich take for markup: clicks, links, styles that hide, broken tags."""
    for action in ACTIONS:
        yield f"[@click={action}]approve[/]"
        yield f"[@click={action}]approve"
        yield f"\\[@click={action}]x[/] \\\\[@click={action}]y[/]"
        yield f"[b][@click={action}]nested[/][/b] [link='https://x'][@click={action}]z[/][/]"
    yield from ("[/nope]", "a[/nope]b", "path [/etc/x]", "[/]", "[//]", "[b]", "[i]x", "arr[b]")
    yield from (
        "[link=https://evil.example]x[/link]",
        "[link='https://evil.example']x[/]",
        "[link=",
    )
    yield from ("[conceal]rm -rf /[/conceal]", "[black on black]rm -rf /[/]", "[#000 on #000]x[/]")
    yield from (
        "[$background on $background]x[/]",
        "[bold",
        "[bold red]x",
        "[on red]x[/on red]",
        "[",
    )
    yield from ("\\[", "\\[b]x[/b]", "\\\\[b]x[/b]", "[[b]]", "[]", "[ ]", "[b][i][u]x[/u][/i][/b]")
    yield from (
        "[reverse]x[/]",
        "[blink]x[/]",
        "[dim]x[/dim]",
        "[strike]x[/]",
        "[@]",
        "[@click]x[/]",
    )
    yield from ("[@click=]x[/]", "[@mouse.down=app.quit]x[/]", "[@click=app.notify('[/]')]x[/]")
    yield from (":smile:", ":warning: :white_check_mark:", ":no_such_emoji:", "[:smile:]", "$text")
    yield from (
        "[&amp;]",
        "[1]",
        "[1, 2, 3]",
        "[None]",
        '{"a": [1, [2]]}',
        "x[0][/0]",
        "[not_a_tag]",
    )
    yield from ("[b]" * 200 + "x", "x" + "[/b]" * 200, "[" * 500, "]" * 500, "\\" * 99 + "[b]x[/]")


def html() -> Iterator[str]:
    yield from ("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</pre><h1>x", "<b>x")
    yield from (
        '"><svg onload=alert(1)>',
        "javascript:alert(1)",
        "<!--",
        "]]>",
        "&lt;b&gt;",
        "&#x1b;",
    )
    yield from ("<style>*{display:none}</style>", "<form action=/x><button>Approve", "' onclick='x")
    yield from (
        "# heading",
        "[text](https://evil.example)",
        "![i](https://evil.example/x.png)",
        "~~x~~",
    )
    yield from (
        "```\ncode\n```",
        "> quote",
        "| a | b |\n|---|---|",
        "<https://evil.example>",
        "**b**",
    )
    yield from (
        "</title><title>x",
        "<base href=https://evil.example>",
        "<a href='/'>x</a>",
        "%3Cb%3E",
    )


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


def texts() -> dict[str, list[str]]:
    """Every corpus of texts but the code points, by name; no text twice."""
    made = {"naughty": naughty(), "trojan": trojan(), "escapes": escapes(), "markup": markup()}
    found: dict[str, list[str]] = {}
    seen: set[str] = set()
    for name, corpus in {**made, "html": html()}.items():
        found[name] = [text for text in dict.fromkeys(corpus) if text not in seen]
        seen.update(found[name])
    return found


def every() -> list[str]:
    return [text for corpus in texts().values() for text in corpus]


def sample(count: int) -> list[str]:
    """`count` texts, of every corpus as many as its share, evenly spread over it."""
    found: list[str] = []
    total = len(every())
    for corpus in texts().values():
        share = max(count * len(corpus) // total, 8)
        found += [corpus[n * len(corpus) // share] for n in range(min(share, len(corpus)))]
    return found
