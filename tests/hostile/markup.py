"""What Textual, Rich, Markdown and browsers take for markup."""

from __future__ import annotations

from collections.abc import Iterator

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
