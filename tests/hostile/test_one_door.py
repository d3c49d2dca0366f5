"""Nothing reaches a widget or the terminal but through `safetext`: the few places that hand text
over are listed by reading the code, and each gets what the door made."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import hitloop_tui

ROOT = Path(hitloop_tui.__file__).parent
FILES = sorted([*ROOT.glob("tui/**/*.py"), *ROOT.glob("cli/**/*.py")])
WIDGETS = {"Static", "Label", "Option", "update", "notify", "Markdown", "RichLog", "Log", "Pretty"}
TITLES = {"border_title", "border_subtitle", "tooltip", "title", "sub_title", "placeholder"}
RAW = {"Content", "Segment", "Text", "print", "from_markup", "styled"}
MAKES_CONTENT = {"content.py", "rows_view.py", "no_controls.py"}
"""The modules that make what is drawn: of `Safe` text, of drawn rows, with controls taken out."""
DOORS = {"line", "text", "own", "lines", "sign", "fitted", "safe", "keys_content"}
TYPES = {"Content", "Safe", "Content | None", "Safe | None"}


def faults(source: str, file: str) -> list[str]:
    """Every call or assignment that hands over what the door did not make."""
    tree = ast.parse(source)
    typed = set(_typed(tree))
    return [
        f"{file}:{node.lineno}: {ast.unparse(node)[:80]}"
        for node, given in _handed_over(tree, file)
        if given is None or not _clean(given, typed)
    ]


def _handed_over(tree: ast.AST, file: str) -> Iterator[tuple[ast.expr | ast.stmt, ast.expr | None]]:
    """What is given to sinks; None for makers of text that only a few modules may use."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(args=[given, *_]) if _name(node.func) in RAW:
                if file not in MAKES_CONTENT and not isinstance(given, ast.Constant):
                    yield node, None
            case ast.Call(args=[given, *_]) if _name(node.func) in WIDGETS:
                if not (_name(node.func) == "update" and _is_dict(node)):
                    yield node, given
            case ast.Assign(targets=[ast.Attribute(attr=name)], value=given) if name in TITLES:
                yield node, given
            case ast.Call(func=ast.Attribute(attr="write", value=ast.Attribute(attr=stream))) if (
                stream in ("stdout", "stderr")
            ):
                yield node, None


def _clean(given: ast.expr, typed: set[str]) -> bool:
    match given:
        case ast.Constant():
            return True
        case ast.IfExp():
            return _clean(given.body, typed) and _clean(given.orelse, typed)
        case ast.BoolOp():
            return all(_clean(value, typed) for value in given.values)
        case ast.Call():
            return _name(given.func) in DOORS | typed
        case ast.Name() | ast.Attribute():
            return _name(given) in typed
    return False


def _typed(tree: ast.AST) -> Iterator[str]:
    """Names that this module declares as Content or Safe; the type checker holds it to that."""
    for node in ast.walk(tree):
        match node:
            case ast.arg(arg=name, annotation=kind) | ast.FunctionDef(name=name, returns=kind):
                if kind is not None and ast.unparse(kind) in TYPES:
                    yield name
            case ast.AnnAssign(target=target, annotation=kind) if ast.unparse(kind) in TYPES:
                yield _name(target)


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _is_dict(call: ast.Call) -> bool:
    """`update` of a dict or a set: it is given one, or it is called on a plain name."""
    return isinstance(call.args[0], ast.Dict | ast.DictComp | ast.GeneratorExp)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_only_what_passed_the_door_is_handed_over(file: Path) -> None:
    assert faults(file.read_text(), file.name) == []


@pytest.mark.parametrize(
    "source",
    [
        "Static(review.tool_name)",
        "Static(f'{name} runs')",
        "self.app.notify(error)",
        "self.app.notify('a' + error)",
        "pane.border_title = row.thread_id",
        "self.query_one(Static).update(str(error))",
        "Content(text)",
        "Content.from_markup(text)",
        "Segment(text)",
        "print(text)",
        "sys.stdout.write(text)",
        "def f(title: str): pane.border_title = title",
        "Static(text(a) if b else c)",
    ],
)
def test_what_did_not_is_found(source: str) -> None:
    assert faults(source, "some.py")


@pytest.mark.parametrize(
    "source",
    [
        "Static(line(own('a'), text(safe(b))))",
        "def f(title: Content): pane.border_title = title",
        "known.update({'a': b})",
        "Static('literal')",
    ],
)
def test_what_did_is_let_through(source: str) -> None:
    assert faults(source, "some.py") == []
