"""A policy file: what matches, which rule wins, and what a mistake says."""

from __future__ import annotations

import json
import textwrap
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hitloop_tui.cli.policy import policy as policy_command
from hitloop_tui.core.models import Action
from hitloop_tui.errors import BadInput, ConfigError
from hitloop_tui.policies import RulePolicy, rule_policy
from hitloop_tui.policies.globs import SEPARATORS
from hitloop_tui.policies.rule_file import PolicyFileError, read_rules
from hitloop_tui.policies.rules import Rule, explain
from hitloop_tui.safetext import safe

HOUSE = """
    [[rule]]
    name = "in house"
    tool = "send_*"
    args = { to = "*@halden.example" }
    verdict = "auto_approve"

    [[rule]]
    tool = ["delete_*", "purge"]
    verdict = "ask 2 people"
    reason = "Deleting cannot be undone."

    [[rule]]
    tool = "send_*"
    args.to = "*@rival.example"
    verdict = "reject"

    [[rule]]
    tool = "send_*"
    verdict = "ask"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(textwrap.dedent(HOUSE))
    return path


def written(path: Path, text: str) -> Path:
    path.write_text(textwrap.dedent(text))
    return path


def call(tool: str, **args: Any) -> Action:
    return Action(tool_name=tool, tool_args=args)


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
def test_the_first_rule_that_matches_decides(file, proposed, number, verdict):
    found = explain(read_rules(file), proposed).to_json()
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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[[rule]]\nverdict = 'ask'\n\n[[rule]]\nverdict = 'maybe'",
            "line 5, rule 2, field verdict: 'maybe'",
        ),
        ("[[rule]]\ntool = 'x'", "line 1, rule 1, field verdict: missing"),
        ("[[rule]]\nverdict = 'ask 1 people'", "line 2, rule 1, field verdict"),
        ("[[rule]]\nverdict = 'ask 10 people'", "with N from 2 to 9"),
        ("[[rule]]\nverdict = 'auto_aprove'", "did you mean auto_approve?"),
        ("[[rule]]\nverdict = true", "line 2, rule 1, field verdict: True is not"),
        (
            "[[rule]]\nverdict = 'ask'\ntol = 'x'",
            "line 3, rule 1, field tol: unknown; did you mean tool?",
        ),
        ("[[rule]]\nverdict = 'ask'\nargs = 'x'", "line 3, rule 1, field args"),
        ("[[rule]]\nverdict = 'ask'\nargs.a.b = 2026-01-01", "line 3, rule 1, field args.a.b"),
        ("[[rule]]\nverdict = 'ask'\n[rule.args]\na = []", "line 4, rule 1, field args.a"),
        ("[[rule]]\nverdict = 'ask'\nargs = { a = [] }", "line 3, rule 1, field args.a"),
        ("[[rule]]\nverdict = 'ask'\ntool = []", "line 3, rule 1, field tool: an empty list"),
        ("[[rule]]\nverdict = 'ask'\ntool = ''", "field tool: an empty text"),
        ("[[rule]]\nverdict = 'ask'\ntool = 'a[b'", "a [ without a ]; write [[]"),
        ("[[rule]]\nverdict = 'ask'\ntool = 'a[]'", "a [ without a ]"),
        ("[[rule]]\nverdict = 'ask'\ntool = ['a', ['b']]", 'field tool: ["b"] is not a glob'),
        ("[[rule]]\nverdict = 'ask'\nname = 3", "line 3, rule 1, field name"),
        (
            "[[rule]]\nverdict = 'ask'\nname = 'a'\n[[rule]]\nverdict = 'ask'\nname = 'a'",
            "line 6, rule 2, field name: rule 1 has this name already",
        ),
        ("[rule]\nverdict = 'ask'", "two brackets"),
        ("rule = [3]", "rule 1: must be a table"),
        ("rule = [{ verdict = 'no' }]", "rule 1, field verdict: 'no'"),
        ("default = 'ask'", "field default: unknown; a policy file has [[rule]]"),
        ("[[rule]]\nverdict = ask", "line 2: not TOML: Invalid value (at line 2, column 11)"),
        ("x = " + "[" * 9999, "not TOML"),
    ],
)
def test_a_mistake_names_file_line_rule_and_field(tmp_path, text, said):
    path = written(tmp_path / "p.toml", text)
    with pytest.raises(ConfigError) as caught:
        read_rules(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)


def test_one_mistake_does_not_hide_the_others(tmp_path):
    text = """
        other = 1
        [[rule]]
        tool = []
        [[rule]]
        verdict = "maybe"
        frist = 1
        [[rule]]
        verdict = "ask"
        args = { to = "[", cc = {} , bcc = [] }
    """
    path = written(tmp_path / "p.toml", text)
    with pytest.raises(PolicyFileError) as caught:
        read_rules(path)
    found = [(one.line, one.rule, one.field) for one in caught.value.mistakes]
    assert found == [
        (None, None, "other"),
        (3, 1, "verdict"),
        (4, 1, "tool"),
        (7, 2, "frist"),
        (6, 2, "verdict"),
        (10, 3, "args.to"),
        (10, 3, "args.bcc"),
    ]
    assert len(str(caught.value).splitlines()) == 7


def test_a_byte_order_mark_and_windows_lines_are_no_mistake(tmp_path):
    path = tmp_path / "p.toml"
    path.write_bytes(b"\xef\xbb\xbf[[rule]]\r\nverdict = 'reject'\r\n")
    assert [rule.verdict for rule in read_rules(path)] == ["reject"]


def test_files_that_cannot_be_read_are_said(tmp_path):
    with pytest.raises(ConfigError, match=r"gone\.toml: No such file"):
        read_rules(tmp_path / "gone.toml")
    (tmp_path / "p.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_rules(tmp_path / "p.toml")


def test_the_policy_says_the_same_to_those_who_only_know_ask_or_not(file):
    with RulePolicy(file, watch=False) as policy:
        assert policy.name == "rules:policy.toml"
        for proposed, outcome, people in (
            (call("send_mail", to="dana@halden.example"), "auto_approve", 1),
            (call("purge"), "ask", 2),
            (call("send_mail", to="x@rival.example"), "reject", 1),
        ):
            verdict = policy.verdict(proposed, {})
            assert (verdict.outcome, verdict.people) == (outcome, people)
            asked, reason = policy.should_request_approval(proposed, {})
            assert (asked, reason) == (outcome != "auto_approve", verdict.reason)
        assert policy.verdict(call("purge"), {}).reason == "Deleting cannot be undone."


def eventually(condition: Any) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return False


def test_an_edit_takes_effect_and_a_bad_one_keeps_the_last_good_rules(file, caplog):
    with RulePolicy(file) as policy:
        written(file, "[[rule]]\nverdict = 'auto_approve'")
        assert eventually(lambda: policy.verdict(call("x"), {}).outcome == "auto_approve")
        written(file, "[[rule]]\nverdict = 'auto_aprove'")
        assert eventually(lambda: policy.problem)
        assert policy.verdict(call("x"), {}).outcome == "auto_approve"
        assert "policy.toml: line 2, rule 1, field verdict" in policy.problem
        policy.reload()
        file.unlink()
        assert eventually(lambda: "No such file" in (policy.problem or ""))
        replacement = written(file.with_name("new"), "[[rule]]\nverdict = 'reject'")
        replacement.rename(file)
        assert eventually(lambda: policy.problem is None)
        assert policy.verdict(call("x"), {}).outcome == "reject"
    assert caplog.text.count("field verdict") == 1


def test_a_policy_cannot_start_with_a_mistake(tmp_path):
    with pytest.raises(ConfigError):
        RulePolicy(written(tmp_path / "p.toml", "[[rule]]"))


@pytest.fixture
def quick(monkeypatch):
    """Looks at the file every 50 ms, when nobody tells of a change."""
    monkeypatch.setattr(rule_policy, "LOOK_MS", 50)


def test_a_link_is_followed_where_nothing_is_watched(tmp_path, quick):
    """As Kubernetes mounts a ConfigMap: policy.toml -> ..data/policy.toml, ..data -> a folder."""
    for name, verdict in (("one", "ask"), ("two", "reject")):
        (tmp_path / name).mkdir()
        written(tmp_path / name / "policy.toml", f"[[rule]]\nverdict = '{verdict}'")
    mount = tmp_path / "mount"
    mount.mkdir()
    (mount / "..data").symlink_to(tmp_path / "one")
    (mount / "policy.toml").symlink_to("..data/policy.toml")
    with RulePolicy(mount / "policy.toml") as policy:
        assert policy.rules[0].verdict == "ask"
        (mount / "..new").symlink_to(tmp_path / "two")
        (mount / "..new").rename(mount / "..data")
        assert eventually(lambda: policy.rules[0].verdict == "reject")
        written(tmp_path / "two" / "policy.toml", "[[rule]]\nverdict = 'auto_approve'")
        assert eventually(lambda: policy.rules[0].verdict == "auto_approve")


def test_a_folder_that_goes_away_and_comes_back(tmp_path, quick):
    folder = tmp_path / "etc"
    folder.mkdir()
    with RulePolicy(written(folder / "p.toml", "[[rule]]\nverdict = 'ask'")) as policy:
        folder.rename(tmp_path / "away")
        assert eventually(lambda: policy.problem)
        assert policy.rules[0].verdict == "ask"
        folder.mkdir()
        written(folder / "p.toml", "[[rule]]\nverdict = 'reject'")
        assert eventually(lambda: policy.rules[0].verdict == "reject")
        assert policy.problem is None


def test_a_policy_that_nobody_uses_stops_watching(file):
    before = set(threading.enumerate())
    policy = RulePolicy(file)
    (watching,) = set(threading.enumerate()) - before
    del policy
    watching.join(timeout=20)
    assert not watching.is_alive()


def test_agents_ask_while_the_file_changes(file):
    """One or the other file answers, never a mixture and never nothing."""
    files = ["[[rule]]\nverdict = 'reject'\n", "[[rule]]\nverdict = 'ask 2 people'\n"]
    written(file, files[0])
    found: set[str] = set()
    with RulePolicy(file) as policy:
        stop = threading.Event()

        def ask() -> None:
            while not stop.is_set():
                verdict = policy.verdict(call("x"), {})
                found.add(f"{verdict.outcome} {verdict.people}")

        asking = [threading.Thread(target=ask) for _ in range(3)]
        for thread in asking:
            thread.start()
        for number in range(6):
            replacement = written(file.with_name("new"), files[(number + 1) % 2])
            replacement.rename(file)
            outcome = ("ask", "reject")[number % 2]
            assert eventually(lambda outcome=outcome: policy.rules[0].outcome == outcome)
        stop.set()
        for thread in asking:
            thread.join()
    assert found == {"reject 1", "ask 2"}


TOOLS = st.text(st.sampled_from("abAB_*?"), min_size=1, max_size=4)
RULES = st.lists(
    st.builds(
        lambda tool, outcome: (tool, outcome),
        TOOLS,
        st.sampled_from(["auto_approve", "ask", "reject"]),
    ),
    max_size=5,
).map(lambda pairs: tuple(Rule(n, o, tool=(t,)) for n, (t, o) in enumerate(pairs, start=1)))


@settings(max_examples=200)
@given(rules=RULES, tool=st.text(st.sampled_from("abAB_"), min_size=1, max_size=4))
def test_properties_of_the_first_match(rules, tool):
    proposed = call(tool)
    first = explain(rules, proposed)
    assert first == explain(rules, proposed)
    applying = [rule for rule in rules if rule.mismatch(proposed) is None]
    assert first.rule == (applying[0] if applying else None)
    assert explain((*rules, Rule(9, "auto_approve")), proposed).rule is not None
    if first.rule is None:
        assert first.verdict.outcome == "ask"


TEXTS = st.text(st.sampled_from("abA*?.,; /\n\0@\u200b\uff21"), max_size=6)
GLOBS = st.lists(st.text(st.sampled_from("abA*?.,/@"), max_size=4), min_size=1, max_size=2)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)


def applies(outcome: Any, globs: list[str], value: Any) -> bool:
    rule = Rule(1, outcome, args={"x": tuple(globs)})
    return rule.mismatch(call("t", x=value)) is None


@settings(max_examples=500)
@given(globs=GLOBS, value=VALUES)
def test_what_a_rule_lets_run_it_would_also_stop(globs, value):
    """Whatever matches strictly matches loosely: no value can be let through by a glob and slip by
    the same glob of a rule that rejects."""
    assert applies("auto_approve", globs, value) <= applies("reject", globs, value)


@settings(max_examples=500)
@given(globs=GLOBS, value=VALUES, more=VALUES)
def test_a_list_is_let_through_for_all_of_it_and_stopped_for_any(globs, value, more):
    both = [applies("auto_approve", globs, one) for one in (value, more)]
    assert applies("auto_approve", globs, [value, more]) == all(both) or "*" in globs
    assert applies("reject", globs, [value, more]) >= applies("reject", globs, value)


@settings(max_examples=500)
@given(globs=GLOBS, texts=st.tuples(TEXTS, TEXTS), hidden=st.sampled_from("\0\n\t\u200b\u202e\x7f"))
def test_no_wildcard_lets_a_hidden_character_through(globs, texts, hidden):
    assume("*" not in globs)
    assert not applies("auto_approve", globs, hidden.join(texts))


@settings(max_examples=300)
@given(globs=GLOBS, part=TEXTS, others=st.lists(TEXTS, max_size=2), at=st.integers(0, 2))
def test_a_part_of_a_list_in_a_text_does_not_slip_by(globs, part, others, at):
    assume("," not in "".join(globs) and part.strip(f" {SEPARATORS}"))
    part = part.strip()  # blanks around a part of a list do not count
    listed = ",".join([*others[:at], part, *others[at:]])
    assert applies("reject", globs, part) <= applies("reject", globs, listed)
    assert applies("auto_approve", globs, listed) <= applies("auto_approve", globs, part)


def test_the_command_explains(file):
    run = CliRunner().invoke
    proposed = '{"tool_name": "send_mail", "tool_args": {"to": "x@rival.example"}}'
    said = run(policy_command, ["check", str(file), "--action", proposed])
    assert said.exit_code == 0
    assert said.stdout.splitlines()[-1].startswith("reject: Rule 3 applies")
    assert "rule 1 (in house): no, the argument to is" in said.stdout
    said = run(policy_command, ["check", str(file), "--action", "-", "--json"], input=proposed)
    assert json.loads(said.stdout)["rule"] == 3
    said = run(policy_command, ["check", str(file)])
    assert (said.exit_code, said.stderr) == (0, f"{file}: 4 rules, no mistake\n")
    said = run(policy_command, ["check", str(file), "--json"])
    assert json.loads(said.stdout) == {"rules": 4, "mistakes": []}


def test_the_command_lists_all_mistakes(file):
    written(file, "[[rule]]\n[[rule]]\nverdict = 'x\\u001b[2J'")
    done = CliRunner().invoke(policy_command, ["check", str(file), "--json"])
    assert done.exit_code == 2
    assert [line.split(":")[1] for line in done.stderr.splitlines()] == [
        " line 1, rule 1, field verdict",
        " line 3, rule 2, field verdict",
    ]
    assert "\x1b" not in done.stderr
    found = json.loads(done.stdout)["mistakes"]
    assert [(one["line"], one["rule"], one["field"]) for one in found] == [
        (1, 1, "verdict"),
        (3, 2, "verdict"),
    ]


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ("{", "not JSON"),
        ("[" * 99999, "not JSON"),
        ("[]", "the whole"),
        ('{"tool_name": 3, "tool_args": 4}', "tool_args"),
        ('{"tool_name": "x", "args": {}}', "no field args; known are id, tool_name, tool_args"),
    ],
)
def test_the_command_names_what_is_wrong_with_the_action(file, action, said):
    done = CliRunner().invoke(policy_command, ["check", str(file), "--action", action])
    assert isinstance(done.exception, BadInput)
    assert said in str(done.exception)
