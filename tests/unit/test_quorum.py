"""Questions for several people, and policies that refuse, at the interrupt gate."""

from __future__ import annotations

from typing import Any

import pytest

from hitloop_tui import Action, TelemetryLogger
from hitloop_tui.core.interfaces import HITLPolicy, PolicyVerdict
from hitloop_tui.policies import RulePolicy
from tests.unit.gate_desk import ARGS, DIGEST, EDITED, PROPOSED, builder, opened


class Rules(HITLPolicy):
    """One verdict for everything, until somebody changes it; nothing may go to the rival."""

    name = "rules"

    def __init__(self, outcome: Any = "ask", people: int = 1) -> None:
        self.now = PolicyVerdict(outcome, "because", people)

    def should_request_approval(self, action: Action, state: dict[str, Any]) -> tuple[bool, str]:
        return self.now.outcome != "auto_approve", self.now.reason

    def verdict(self, action: Action, state: dict[str, Any]) -> PolicyVerdict:
        if "rival" in str(action.tool_args):
            return PolicyVerdict("reject", "not to the rival")
        return self.now


def yes(who: str, **more: Any) -> dict[str, Any]:
    return {"approved": True, "decided_by": who, **more}


async def asked(thread: Any) -> dict[str, Any]:
    (payload,) = (await thread.open()).value
    return payload["hitloop"]


async def test_two_people_must_approve_and_each_is_told_about_the_other(mailbox, tmp_path):
    seen: list[list[str]] = []

    def notify(payload: Any, thread_id: str) -> None:
        seen.append(payload["hitloop"]["approvals"])

    with TelemetryLogger() as logger:
        graph = builder(mailbox, Rules(people=2), on_interrupt=notify, logger=logger)
        async with opened(graph, tmp_path) as thread:
            await thread.start(run_id="r")
            assert (await asked(thread))["quorum"] == 2
            await thread.answer(yes("human:dana", digest=DIGEST))
            assert mailbox.calls == []
            question = (await thread.open()).value[0]
            assert question["hitloop"]["approvals"] == ["human:dana"]
            assert "So far: human:dana" in question["description"]
            result = await thread.answer(yes("human:kim"))
        kinds = [event.event_type.value for event in logger.get_events("r")]
    assert mailbox.calls == [ARGS]
    assert result["approval_decision"]["approvals"] == ["human:dana", "human:kim"]
    assert result["approval_decision"]["decided_by"] == "human:dana, human:kim"
    assert seen == [[], ["human:dana"]]
    assert kinds == [
        "action_proposed",
        "approval_requested",
        "approval_requested",
        "approval_decided",
    ]


@pytest.mark.parametrize(
    "answer",
    [
        yes("human:dana"),
        yes("dana"),
        yes(" Human:Dana "),
        yes("human:human:dana"),
        True,
        yes("human"),
        yes("human:"),
        yes("policy:auto"),
        yes("system:timeout"),
        [{"type": "accept"}],
    ],
    ids=str,
)
async def test_the_same_person_and_nobody_in_particular_do_not_count(mailbox, tmp_path, answer):
    async with opened(builder(mailbox, Rules(people=2)), tmp_path) as thread:
        await thread.start()
        await thread.answer(yes("human:dana"))
        await thread.answer(answer)
        detail = await asked(thread)
        assert "2 people must approve" in detail["error"]
        assert detail["approvals"] == ["human:dana"]
        await thread.answer(yes("human:kim"))
    assert mailbox.calls == [ARGS]


async def test_one_no_is_enough(mailbox, tmp_path):
    async with opened(builder(mailbox, Rules(people=2)), tmp_path) as thread:
        await thread.start()
        await thread.answer(yes("human:dana"))
        result = await thread.answer({"approved": False, "decided_by": "human:kim"})
    decision = result["approval_decision"]
    assert (decision["approved"], decision["decided_by"]) == (False, "human:kim")
    assert mailbox.calls == []


async def test_an_edit_starts_the_count_anew(mailbox, tmp_path):
    async with opened(builder(mailbox, Rules(people=2)), tmp_path) as thread:
        await thread.start()
        await thread.answer(yes("human:dana"))
        await thread.answer(yes("human:kim", edited_args=EDITED))
        detail = await asked(thread)
        assert detail["action"]["tool_args"] == EDITED
        assert detail["approvals"] == ["human:kim"]
        result = await thread.answer(yes("human:dana"))
    assert mailbox.calls == [EDITED]
    assert result["approval_decision"]["proposed"]["tool_args"] == ARGS


async def test_what_the_policy_rejects_is_not_asked(mailbox, tmp_path):
    async with opened(builder(mailbox, Rules("reject")), tmp_path) as thread:
        result = await thread.start()
    assert result["hitl_status"] == "auto_rejected"
    assert result["approval_decision"]["decided_by"] == "policy:rules"
    assert mailbox.calls == []


async def test_nobody_can_edit_into_what_the_policy_rejects(mailbox, tmp_path):
    async with opened(builder(mailbox, Rules()), tmp_path) as thread:
        await thread.start()
        await thread.answer(yes("human:dana", edited_args={"to": "x@rival.example"}))
        assert "not to the rival" in (await asked(thread))["error"]
        await thread.answer(yes("human:dana"))
    assert mailbox.calls == [ARGS]


async def test_a_rule_that_came_after_the_question_beats_an_approval(mailbox, tmp_path):
    policy = Rules()
    async with opened(builder(mailbox, policy), tmp_path) as thread:
        await thread.start()
        policy.now = PolicyVerdict("reject", "stopped for today")
        decision = (await thread.answer(yes("human:dana")))["approval_decision"]
    assert (decision["approved"], decision["decided_by"]) == (False, "policy:rules")
    assert decision["reason"] == "stopped for today (human:dana had approved it before.)"
    assert mailbox.calls == []


async def test_a_persons_no_stays_theirs_when_the_policy_says_no_too(mailbox, tmp_path):
    policy = Rules()
    async with opened(builder(mailbox, policy), tmp_path) as thread:
        await thread.start()
        policy.now = PolicyVerdict("reject", "stopped for today")
        result = await thread.answer({"approved": False, "decided_by": "human:dana"})
    assert result["approval_decision"]["decided_by"] == "human:dana"


async def test_a_policy_file_drives_the_gate(mailbox, tmp_path):
    file = tmp_path / "policy.toml"
    file.write_text("[[rule]]\ntool = 'send_*'\nverdict = 'ask 2 people'\nreason = 'Mail.'\n")
    with RulePolicy(file, watch=False) as policy:
        async with opened(builder(mailbox, policy), tmp_path) as thread:
            await thread.start()
            detail = await asked(thread)
    assert (detail["policy"], detail["policy_reason"]) == ("rules:policy.toml", "Mail.")
    assert detail["quorum"] == 2


async def test_telemetry_of_a_real_question_is_single_and_timed(mailbox, tmp_path):
    """hitloop 0.5.1 logs proposal, question and label twice, and every latency as 0.0."""
    with TelemetryLogger(tmp_path / "t.db") as logger:
        async with opened(builder(mailbox, Rules(), logger=logger), tmp_path) as thread:
            await thread.start({**PROPOSED}, run_id="r", _injected_error=True)
            await thread.answer(yes("human:dana"))
        events = logger.get_events("r")
    kinds = [event.event_type.value for event in events]
    assert kinds.count("action_proposed") == kinds.count("approval_requested") == 1
    assert events[-1].payload["latency_ms"] > 0
    assert events[-1].payload["decided_by"] == "human:dana"


async def test_a_policy_that_is_no_subclass_is_asked_as_well(mailbox, tmp_path):
    class Duck:
        name = "duck"

        def should_request_approval(self, action: Any, state: Any) -> tuple[bool, str]:
            return True, "quack"

        def post_decision_update(self, state: Any, action: Any, decision: Any) -> Any:
            return state

    async with opened(builder(mailbox, Duck()), tmp_path) as thread:
        await thread.start()
        assert (await asked(thread))["policy_reason"] == "quack"
