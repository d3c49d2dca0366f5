"""A policy file: what matches, which rule wins, and what a mistake says."""

from __future__ import annotations

import json
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from hitloop_tui.cli.policy import policy as policy_command
from hitloop_tui.core.models import Action
from hitloop_tui.errors import BadInput, ConfigError
from hitloop_tui.policies import RulePolicy
from hitloop_tui.policies.rules import Rule, explain, read_rules

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
    ],
)
def test_the_first_rule_that_matches_decides(file, proposed, number, verdict):
    found = explain(read_rules(file), proposed).to_json()
    assert (found["rule"], found["verdict"]) == (number, verdict)
    assert len(found["passed"]) == (4 if number is None else number - 1)


@pytest.mark.parametrize(
    ("glob", "value", "matches"),
    [
        ("5", 5, True),
        ("5*", 5.5, True),
        ("true", True, True),
        ("null", None, True),
        ("/tmp/*", "/tmp/a/b", True),
        ("/tmp/*", "/tmp/../etc/passwd", False),
        ("/tmp/*", "/tmp/..hidden", True),
        ("/tmp/../*", "/tmp/../etc/passwd", True),
        ("*", "two\nlines", True),
        ("a?c", "abc", True),
        ("[ab]c", "cc", False),
    ],
)
def test_globs_on_values(tmp_path, glob, value, matches):
    rule = f"[[rule]]\nverdict = 'auto_approve'\nargs.x = {json.dumps(glob)}"
    rules = read_rules(written(tmp_path / "p.toml", rule))
    assert (explain(rules, call("t", x=value)).rule is not None) is matches


def test_paths_reach_into_arguments_and_names_with_dots_go_first(tmp_path):
    text = "[[rule]]\nverdict = 'reject'\nargs.to.name = 'Dana'\n[[rule]]\nverdict = 'ask'\n"
    rules = read_rules(written(tmp_path / "p.toml", text + "args.'a.b' = 5\n"))
    assert explain(rules, call("t", to={"name": "dana"})).to_json()["rule"] == 1
    assert explain(rules, call("t", **{"a.b": 5})).to_json()["rule"] == 2
    assert explain(rules, call("t", to="Dana")).rule is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[[rule]]\nverdict = 'ask'\n[[rule]]\nverdict = 'maybe'",
            "rule 2, field verdict: 'maybe'",
        ),
        ("[[rule]]\ntool = 'x'", "rule 1, field verdict: missing"),
        ("[[rule]]\nverdict = 'ask 1 people'", "rule 1, field verdict"),
        ("[[rule]]\nverdict = 'ask'\ntol = 'x'", "rule 1, field tol: unknown; did you mean tool?"),
        ("[[rule]]\nverdict = 'ask'\nargs = 'x'", "rule 1, field args"),
        ("[[rule]]\nverdict = 'ask'\nargs.a.b = 2026-01-01", "rule 1, field args.a.b"),
        ("[[rule]]\nverdict = 'ask'\ntool = []", "rule 1, field tool: an empty list"),
        ("[[rule]]\nverdict = 'ask'\nname = 3", "rule 1, field name"),
        ("[rule]\nverdict = 'ask'", "two brackets"),
        ("rule = [3]", "rule 1: must be a table"),
        ("default = 'ask'", "default"),
        ("[[rule]]\nverdict = ask", "line 2"),
    ],
)
def test_a_mistake_names_file_rule_and_field(tmp_path, text, said):
    path = written(tmp_path / "p.toml", text)
    with pytest.raises(ConfigError) as caught:
        read_rules(path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


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
        assert "policy.toml: rule 1, field verdict" in policy.problem
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


@pytest.mark.parametrize(
    ("action", "said"),
    [("{", "not JSON"), ("[]", "the whole"), ('{"tool_name": 3}', "tool_name")],
)
def test_the_command_names_what_is_wrong_with_the_action(file, action, said):
    done = CliRunner().invoke(policy_command, ["check", str(file), "--action", action])
    assert isinstance(done.exception, BadInput)
    assert said in str(done.exception)
