"""Rules: what matches, which one wins, and why another does not apply."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hitloop_tui.policies.rule_file import read_rules
from hitloop_tui.policies.rules import Rule, explain
from hitloop_tui.safetext import safe
from tests.unit.house_rules import call, written


@pytest.mark.parametrize(
    ("proposed", "number", "verdict"),
    [
        (call("send_mail", to="dana@halden.example"), 1, "auto_approve"),
        (call("send_mail", to=["a@halden.example", "b@halden.example"]), 1, "auto_approve"),
        (call("send_mail", to=["a@halden.example", "x@rival.example"]), 3, "reject"),
        (call("send_mail", to="X@RIVAL.example"), 3, "reject"),
        (call("send_mail", to={"cc": {"deep": "x@rival.example"}}), 3, "reject"),
        (call("send_mail", to="x\uff20rival.example"), 3, "reject"),
        (call("send_mail", to="dana@HALDEN.example"), 4, "ask"),
        (call("send_mail", to=[]), 4, "ask"),
        (call("send_mail"), 4, "ask"),
        (call("PURGE"), 2, "ask 2 people"),
        (call("delete_user", id=7), 2, "ask 2 people"),
        (call("note"), None, "ask"),
        (call("send_mail", to="x@rival.example, dana@halden.example"), 3, "reject"),
        (call("send_mail", to="Eve <x@rival.example>"), 3, "reject"),
        (call("send_mail", to=" x@rival.example\n"), 3, "reject"),
        (call("send_mail", to="x@ri\u200bval.example\0"), 3, "reject"),
        (call("send_mail", to={"x@rival.example": "dana@halden.example"}), 3, "reject"),
        (call("send_mail", to="a@halden.example; b@halden.example"), 1, "auto_approve"),
        (call("send_mail", to="a@elsewhere.example, b@halden.example"), 4, "ask"),
        (call("send_mail", to={"name": "dana@halden.example"}), 4, "ask"),
        (call("send_mail", to="dana@halden.example\n"), 4, "ask"),
        (call("send_mail", to="dana@halden.example\0"), 4, "ask"),
        (call("send_mail", to="dana\u202e@halden.example"), 4, "ask"),
        (call("send_mail", to="dana@h\u0430lden.example"), 4, "ask"),
        (call("send_mail", to="dana\uff20halden.example"), 4, "ask"),
        (call("send_mail", To="dana@halden.example"), 4, "ask"),
        (call("SEND_mail", to="dana@halden.example"), 4, "ask"),
    ],
)
def test_the_first_rule_that_matches_decides(rule_file, proposed, number, verdict):
    found = explain(read_rules(rule_file), proposed).to_json()
    assert (found["rule"], found["verdict"]) == (number, verdict)
    assert len(found["passed"]) == (4 if number is None else number - 1)


def rule_of(path: Path, verdict: str, **globs: Any) -> tuple[Rule, ...]:
    args = "".join(f"args.{name} = {json.dumps(glob)}\n" for name, glob in globs.items())
    return read_rules(written(path, f"[[rule]]\nverdict = '{verdict}'\n{args}"))


STRICT = [
    ("5", 5, True),
    ("5", 5.0, False),
    ("5*", 5.5, True),
    (5, 5, True),
    (5, "5", True),
    (True, True, True),
    ("true", True, True),
    (True, 1, False),
    ("null", None, True),
    ("1.5", Decimal("1.5"), True),
    ("/tmp/*", "/tmp/a/b", True),
    ("/tmp/*", "/tmp/../etc/passwd", False),
    ("/tmp/*", "/tmp/..\\etc", False),
    ("/tmp/*", "/tmp/..hidden", True),
    ("/tmp/../*", "/tmp/../etc/passwd", True),
    ("*", "two\nlines, and more; ../", True),
    ("*", [], True),
    ("*", {"any": ["thing"]}, True),
    ("two*", "two\nlines", False),
    ("two*", "two words", True),
    ("two\n*", "two\nlines", True),
    ("Hello, *", "Hello, Dana", True),
    ("git *", "git status", True),
    ("git *", "git status; rm -rf /", False),
    ("git *", "git status && git log", True),
    ("git *", "git log $(curl evil)", False),
    ("git *", "git log > /etc/passwd", False),
    (["git *", "ls*"], "git status | ls", False),
    ("a?c", "abc", True),
    ("a?c", "a\0c", False),
    ("[ab]c", "cc", False),
    ("[[]x]", "[x]", True),
    ("", "", True),
    ("a*", "", False),
    ("a*", ["ab", ["ac", "ad"]], True),
    ("a*", ["ab", ["ac", "bd"]], False),
    ("a*", ["ab", None], False),
    (["a*", "b*"], ["ab", "ba"], True),
]
LOOSE = [
    ("5", 5.0, True),
    ("5.0", 5, True),
    (5, 5, True),
    (5, 50, False),
    ("true", True, True),
    ("rm *", "cd /tmp && RM -rf /", True),
    ("rm *", ["ls", {"then": "rm -rf /"}], True),
    ("a*", "b, c\na", True),
    ("[!a]*", "Axe", True),
    ("*secret*", "SE\u00adCRET", True),
    ("*", [], True),
    ("a", [], False),
    ("a", {}, False),
    ("a", {(1, 2): b"b"}, False),
    ("b*", {(1, 2): b"b"}, True),
]


@pytest.mark.parametrize(
    ("verdict", "glob", "value", "matches"),
    [("auto_approve", *row) for row in STRICT] + [("reject", *row) for row in LOOSE],
)
def test_globs_on_values(tmp_path, verdict, glob, value, matches):
    rules = rule_of(tmp_path / "p.toml", verdict, x=glob)
    assert (explain(rules, call("t", x=value)).rule is not None) is matches


PEOPLE = [{"email": "a@halden.example"}, {"email": "x@rival.example"}]


@pytest.mark.parametrize(
    ("verdict", "args", "matches"),
    [
        ("auto_approve", {"to": {"email": "a@halden.example"}}, True),
        ("auto_approve", {"to": PEOPLE[:1]}, True),
        ("auto_approve", {"to": PEOPLE}, False),
        ("auto_approve", {"to": [*PEOPLE[:1], {"name": "Eve"}]}, False),
        ("auto_approve", {"to": [*PEOPLE[:1], "x@rival.example"]}, False),
        ("auto_approve", {"to": []}, False),
        ("auto_approve", {"to": "a@halden.example"}, False),
        ("auto_approve", {"to.email": "a@halden.example"}, True),
        ("auto_approve", {"to.email": "a@halden.example", "to": PEOPLE[1]}, False),
        ("auto_approve", {"to.email": "x@rival.example", "to": PEOPLE[0]}, False),
        ("reject", {"to": {"email": "A@halden.example"}}, True),
        ("reject", {"to": PEOPLE}, True),
        ("reject", {"to": {"list": PEOPLE}}, False),
        ("reject", {"to.email": "x@rival.example", "to": PEOPLE[0]}, True),
    ],
)
def test_a_path_reaches_everything_that_it_may_mean(tmp_path, verdict, args, matches):
    """An agent that adds an argument `to.email` must not hide what is in `to`."""
    path = written(
        tmp_path / "p.toml",
        f"[[rule]]\nverdict = '{verdict}'\nargs.to.email = '*@halden.example'",
    )
    assert (explain(read_rules(path), call("t", **args)).rule is not None) is matches


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("a@x\u202e.halden.example", r'(a wildcard does not stand for "\u202e")'),
        ("/../a.halden.example", '(a wildcard does not stand for "..")'),
        ("a@x, b@y.halden.example", '(its part "a@x" does not match)'),
        ("a@x", 'the argument to is "a@x", not "*.halden.example"'),
        ([{"a": 1}], 'the argument to is {"a": 1}, and has names inside'),
        (None, "the argument to is null, not"),
    ],
)
def test_it_is_said_why_a_rule_does_not_apply(tmp_path, value, why):
    rules = rule_of(tmp_path / "p.toml", "auto_approve", to="*.halden.example")
    lines = explain(rules, call("t", to=value)).lines()
    assert why in safe(lines[0]).replace("\\\\", "\\")
