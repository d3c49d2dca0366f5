"""A policy file with mistakes: what is said of it when it is read and by `policy check`."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from hitloop_tui.cli.policy import policy as policy_command
from hitloop_tui.errors import BadInput, ConfigError
from hitloop_tui.policies import RulePolicy
from hitloop_tui.policies.rule_file import PolicyFileError, read_rules
from tests.unit.house_rules import written


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


def test_a_policy_cannot_start_with_a_mistake(tmp_path):
    with pytest.raises(ConfigError):
        RulePolicy(written(tmp_path / "p.toml", "[[rule]]"))


def test_the_command_explains(rule_file):
    run = CliRunner().invoke
    proposed = '{"tool_name": "send_mail", "tool_args": {"to": "x@rival.example"}}'
    said = run(policy_command, ["check", str(rule_file), "--action", proposed])
    assert said.exit_code == 0
    assert said.stdout.splitlines()[-1].startswith("reject: Rule 3 applies")
    assert "rule 1 (in house): no, the argument to is" in said.stdout
    said = run(policy_command, ["check", str(rule_file), "--action", "-", "--json"], input=proposed)
    assert json.loads(said.stdout)["rule"] == 3
    said = run(policy_command, ["check", str(rule_file)])
    assert (said.exit_code, said.stderr) == (0, f"{rule_file}: 4 rules, no mistake\n")
    said = run(policy_command, ["check", str(rule_file), "--json"])
    assert json.loads(said.stdout) == {"rules": 4, "mistakes": []}


def test_the_command_lists_all_mistakes(rule_file):
    written(rule_file, "[[rule]]\n[[rule]]\nverdict = 'x\\u001b[2J'")
    done = CliRunner().invoke(policy_command, ["check", str(rule_file), "--json"])
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
def test_the_command_names_what_is_wrong_with_the_action(rule_file, action, said):
    done = CliRunner().invoke(policy_command, ["check", str(rule_file), "--action", action])
    assert isinstance(done.exception, BadInput)
    assert said in str(done.exception)
