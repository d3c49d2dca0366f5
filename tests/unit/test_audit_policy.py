"""Auditing draws by id alone, and remembers nothing outside of the state."""

from __future__ import annotations

import copy
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitloop_tui.core.models import Action, Decision, RiskClass, ToolResult
from hitloop_tui.policies import AuditPlusEscalatePolicy


def action(number: object = 0, tool: str = "note", **fields: Any) -> Action:
    return Action(id=str(number), tool_name=tool, **fields)


def decided(policy: AuditPlusEscalatePolicy, state: dict[str, Any], proposed: Action, yes=True):
    decision = Decision(action_id=proposed.id, approved=yes)
    return policy.post_decision_update(state, proposed, decision)


def test_the_rate_is_a_share():
    with pytest.raises(ValueError, match="audit_sample_rate"):
        AuditPlusEscalatePolicy(audit_sample_rate=1.5)
    with pytest.raises(ValueError, match="consecutive"):
        AuditPlusEscalatePolicy(consecutive_action_threshold=-1)


@pytest.mark.parametrize(
    ("risk", "options", "expected"),
    [
        (RiskClass.HIGH, {}, True),
        (RiskClass.HIGH, {"escalate_on_high_risk": False}, False),
        (RiskClass.MEDIUM, {}, False),
        (RiskClass.MEDIUM, {"escalate_on_medium_risk": True}, True),
        (RiskClass.LOW, {"escalate_on_medium_risk": True}, False),
    ],
)
def test_risk_escalates(risk, options, expected):
    policy = AuditPlusEscalatePolicy(audit_sample_rate=0.0, **options)
    assert policy.should_request_approval(action(risk_class=risk), {})[0] is expected


@pytest.mark.parametrize(
    ("state", "refs", "expected"),
    [
        ({"anomaly_signals": ["large_amount"]}, [], True),
        ({"anomaly_signals": ["something_else"]}, [], False),
        ({"anomaly_signals": None}, ["large_amount"], True),
        ({"anomaly_signals": "large_amount"}, [], True),
        ({"anomaly_signals": 5}, [], False),
        ({"anomaly_signals": [["odd"]]}, [], False),
        ({}, [], False),
    ],
)
def test_signals_escalate_from_the_state_and_the_action(state, refs, expected):
    policy = AuditPlusEscalatePolicy(0.0, anomaly_signals=["unusual_recipient", "large_amount"])
    assert policy.should_request_approval(action(context_refs=refs), state)[0] is expected


def test_asking_again_and_again_does_not_make_an_action_look_monotonous():
    """hitloop 0.5.1 counts the questions: the fifth time a node runs, it asks a person."""
    policy = AuditPlusEscalatePolicy(0.0, consecutive_action_threshold=3)
    assert not any(policy.should_request_approval(action(), {})[0] for _ in range(20))


def test_monotony_is_read_from_the_state():
    policy, state = AuditPlusEscalatePolicy(0.0, consecutive_action_threshold=3), {}
    asked = []
    for number, tool in enumerate(["note", "note", "mail", "note", "note", "note", "note"]):
        proposed = action(number, tool)
        asked.append(policy.should_request_approval(proposed, state)[0])
        state = decided(policy, state, proposed)
        assert policy.should_request_approval(proposed, state)[0] is asked[-1]
    assert asked == [False, False, False, False, False, True, True]
    assert "3 consecutive calls of note" in policy.should_request_approval(action(9), state)[1]
    off = AuditPlusEscalatePolicy(0.0, consecutive_action_threshold=0)
    assert not off.should_request_approval(action(9), state)[0]


def test_one_signal_alone_is_a_name_and_not_its_letters():
    policy = AuditPlusEscalatePolicy(0.0, anomaly_signals="large_amount")
    assert policy.should_request_approval(action(), {"anomaly_signals": ["large_amount"]})[0]


def test_deciding_again_about_one_action_counts_it_once():
    policy = AuditPlusEscalatePolicy(0.0, ["repeated_rejections"], consecutive_action_threshold=3)
    state: dict[str, Any] = {}
    for _ in range(5):
        state = decided(policy, state, action(1), yes=False)
    assert len(state["_audit_log"]) == state["_rejection_count"] == 1
    assert not policy.should_request_approval(action(2), state)[0]


def test_a_reducer_that_appends_the_log_to_itself_does_no_harm():
    policy = AuditPlusEscalatePolicy(0.0, consecutive_action_threshold=3)
    log: list[dict[str, Any]] = []
    asked = []
    for number in range(3):
        proposed = action(number)
        asked.append(policy.should_request_approval(proposed, {"_audit_log": log})[0])
        log = log + decided(policy, {"_audit_log": log}, proposed)["_audit_log"]
    assert asked == [False, False, True]


CALLS = st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["note", "mail"])), max_size=12)


@given(calls=CALLS, threshold=st.integers(0, 4), rate=st.sampled_from([0.0, 0.5]))
def test_whatever_happens_later_an_action_gets_the_same_answer(calls, threshold, rate):
    """In another process, after being decided about, and with the log of what came later."""
    policy = AuditPlusEscalatePolicy(rate, consecutive_action_threshold=threshold, seed=7)
    other = AuditPlusEscalatePolicy(rate, consecutive_action_threshold=threshold, seed=7)
    state: dict[str, Any] = {}
    answers: dict[str, tuple[bool, str]] = {}
    for number, tool in calls:
        proposed = action(f"{number}{tool}", tool)
        before = copy.deepcopy(state)
        answer = policy.should_request_approval(proposed, state)
        assert state == before
        assert answers.setdefault(proposed.id, answer) == answer
        assert other.should_request_approval(proposed, state) == answer
        state = decided(policy, state, proposed)
    for name, answer in answers.items():
        again = policy.should_request_approval(action(name, name[1:]), state)
        assert again == answer


def test_rejections_and_failures_become_signals_without_touching_the_old_state():
    policy = AuditPlusEscalatePolicy(0.0, ["repeated_rejections", "repeated_failures"])
    state: dict[str, Any] = {"anomaly_signals": [], "_audit_log": []}
    for number in range(3):
        before = copy.deepcopy(state)
        after = decided(policy, state, action(number), yes=False)
        assert state == before
        state = after
    assert state["anomaly_signals"] == ["repeated_rejections"]
    assert policy.should_request_approval(action(9, "other"), state)[0]
    failed = ToolResult(action_id="0", success=False)
    for result in ({"success": False}, {"success": True}, failed, failed):
        state = policy.post_execution_update(state, action(), result)
    assert state["anomaly_signals"] == ["repeated_rejections", "repeated_failures"]
    assert state["_tool_failure_count"] == 3


@given(seed=st.none() | st.integers(), number=st.text(), rate=st.floats(0, 1))
def test_the_sample_depends_on_seed_and_id_alone(seed, number, rate):
    one, other = (AuditPlusEscalatePolicy(rate, seed=seed) for _ in range(2))
    for tool in ("note", "mail"):
        other.should_request_approval(action(f"{number}x", tool), {})
    assert one.sampled(number) == other.sampled(number)
    assert AuditPlusEscalatePolicy(1.0, seed=seed).sampled(number)
    assert not AuditPlusEscalatePolicy(0.0, seed=seed).sampled(number)


@given(number=st.text(), rates=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_a_higher_rate_keeps_what_a_lower_one_sampled(number, rates):
    low, high = (AuditPlusEscalatePolicy(rate, seed=1) for rate in sorted(rates))
    assert low.sampled(number) <= high.sampled(number)


def test_the_seed_matters_and_the_rate_is_met():
    """hitloop 0.5.1 takes a seed and does not use it."""
    ids = [str(number) for number in range(4000)]
    samples = [
        [AuditPlusEscalatePolicy(0.3, seed=seed).sampled(name) for name in ids] for seed in (1, 2)
    ]
    assert samples[0] != samples[1]
    assert all(0.27 < sum(sample) / len(ids) < 0.33 for sample in samples)


def test_another_process_draws_the_same_sample():
    policy = AuditPlusEscalatePolicy(0.5, seed=42)
    script = (
        "from hitloop_tui.policies import AuditPlusEscalatePolicy as P\n"
        "print([P(0.5, seed=42).sampled(str(n)) for n in range(20)])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == str([policy.sampled(str(number)) for number in range(20)])
