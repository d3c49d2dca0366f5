"""A policy file that changes while agents ask: watched, followed, and never without rules."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from hitloop_tui.policies import RulePolicy, rule_policy
from tests.unit.house_rules import call, written


def test_the_policy_says_the_same_to_those_who_only_know_ask_or_not(rule_file):
    with RulePolicy(rule_file, watch=False) as policy:
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


def test_an_edit_takes_effect_and_a_bad_one_keeps_the_last_good_rules(rule_file, caplog):
    with RulePolicy(rule_file) as policy:
        written(rule_file, "[[rule]]\nverdict = 'auto_approve'")
        assert eventually(lambda: policy.verdict(call("x"), {}).outcome == "auto_approve")
        written(rule_file, "[[rule]]\nverdict = 'auto_aprove'")
        assert eventually(lambda: policy.problem)
        assert policy.verdict(call("x"), {}).outcome == "auto_approve"
        assert "policy.toml: line 2, rule 1, field verdict" in policy.problem
        policy.reload()
        rule_file.unlink()
        assert eventually(lambda: "No such file" in (policy.problem or ""))
        replacement = written(rule_file.with_name("new"), "[[rule]]\nverdict = 'reject'")
        replacement.rename(rule_file)
        assert eventually(lambda: policy.problem is None)
        assert policy.verdict(call("x"), {}).outcome == "reject"
    assert caplog.text.count("field verdict") == 1


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


def test_a_policy_that_nobody_uses_stops_watching(rule_file):
    before = set(threading.enumerate())
    policy = RulePolicy(rule_file)
    (watching,) = set(threading.enumerate()) - before
    del policy
    watching.join(timeout=20)
    assert not watching.is_alive()


def test_agents_ask_while_the_file_changes(rule_file):
    """One or the other file answers, never a mixture and never nothing."""
    files = ["[[rule]]\nverdict = 'reject'\n", "[[rule]]\nverdict = 'ask 2 people'\n"]
    written(rule_file, files[0])
    found: set[str] = set()
    with RulePolicy(rule_file) as policy:
        stop = threading.Event()

        def ask() -> None:
            while not stop.is_set():
                verdict = policy.verdict(call("x"), {})
                found.add(f"{verdict.outcome} {verdict.people}")

        asking = [threading.Thread(target=ask) for _ in range(3)]
        for thread in asking:
            thread.start()
        for number in range(6):
            replacement = written(rule_file.with_name("new"), files[(number + 1) % 2])
            replacement.rename(rule_file)
            outcome = ("ask", "reject")[number % 2]
            assert eventually(lambda outcome=outcome: policy.rules[0].outcome == outcome)
        stop.set()
        for thread in asking:
            thread.join()
    assert found == {"reject 1", "ask 2"}
