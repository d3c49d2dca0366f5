"""Terminal controls, of the kinds that esctest2 knows; all made here."""

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
