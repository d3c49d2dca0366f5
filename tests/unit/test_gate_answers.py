"""Every spelling of an answer: what it means, and that a bad one is only asked again."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from langgraph.types import Command

from hitloop_tui.core.models import Action
from hitloop_tui.langgraph.answers import Refused, read_answer
from hitloop_tui.langgraph.asked import Asked
from tests.unit.gate_desk import ARGS, DIGEST, EDITED, PROPOSED, builder, opened


@pytest.fixture
async def thread(mailbox, tmp_path):
    async with opened(builder(mailbox), tmp_path) as thread:
        yield thread


APPROVALS = {
    "console": {"approved": True, "decided_by": "human:alice", "digest": DIGEST, "reason": "ok"},
    "readme": {"approved": True},
    "bool": True,
    "agent-inbox list": [{"type": "accept", "args": None}],
    "agent-inbox call": {"type": "accept", "args": {"action": "send_email", "args": ARGS}},
    "agent-inbox call, through JavaScript": {
        "type": "accept",
        "args": {"action": "send_email", "args": {**ARGS, "copies": 2.0}},
    },
    "langchain": {"decisions": [{"type": "approve"}], "decided_by": "human:alice"},
}


@pytest.mark.parametrize("value", APPROVALS.values(), ids=APPROVALS.keys())
async def test_every_spelling_of_approve_runs_the_tool_once(thread, mailbox, value):
    await thread.start()
    result = await thread.answer(value)
    assert mailbox.calls == [ARGS]
    assert result["tool_result"]["success"] is True
    assert result["hitl_status"] == "human_decided"
    assert result["approval_decision"]["approved"] is True
    assert result["approval_decision"]["proposed"] is None
    assert result["proposed_action"] == PROPOSED


EDITS = {
    "console": {"approved": True, "edited_args": EDITED, "digest": DIGEST},
    "agent-inbox": [{"type": "edit", "args": {"action": "send_email", "args": EDITED}}],
    "langchain": {
        "decisions": [
            {"type": "edit", "edited_action": {"name": "send_email", "args": EDITED}},
        ]
    },
}


@pytest.mark.parametrize("value", EDITS.values(), ids=EDITS.keys())
async def test_every_spelling_of_edit_runs_the_edited_arguments_with_their_types(
    thread, mailbox, value
):
    await thread.start()
    decision = (await thread.answer(value))["approval_decision"]
    assert mailbox.calls == [EDITED]
    assert [type(v) for v in mailbox.calls[0].values()] == [list, int, float, bool, dict]
    assert decision["edited_args"] == EDITED
    assert decision["proposed"] == {"tool_name": "send_email", "tool_args": ARGS}
    assert decision["action_id"] == "action-1"


REFUSALS = {
    "console": ({"approved": False, "reason": "wrong person"}, "wrong person", None),
    "readme": ({"approved": False}, "Rejected.", None),
    "bool": (False, "Rejected.", None),
    "response": ({"approved": False, "response": "call her"}, "call her", "call her"),
    "ignored": ({"approved": False, "ignored": True}, "Ignored.", None),
    "agent-inbox ignore": ([{"type": "ignore", "args": None}], "Ignored.", None),
    "agent-inbox response": ([{"type": "response", "args": "call her"}], "call her", "call her"),
    "agent-inbox reject": ({"type": "reject", "args": "no"}, "no", None),
    "langchain reject": ({"decisions": [{"type": "reject", "message": "no"}]}, "no", None),
    "langchain respond": ({"decisions": [{"type": "respond", "message": "x"}]}, "x", "x"),
}


@pytest.mark.parametrize(("value", "reason", "response"), REFUSALS.values(), ids=REFUSALS.keys())
async def test_every_spelling_of_no_keeps_the_tool_from_running(
    thread, mailbox, value, reason, response
):
    await thread.start()
    result = await thread.answer(value)
    assert mailbox.calls == []
    assert result.get("tool_result") is None
    decision = result["approval_decision"]
    assert (decision["approved"], decision["reason"], decision["response"]) == (
        False,
        reason,
        response,
    )


GARBAGE = {
    "nothing": None,
    "word": "yes",
    "number": 1,
    "empty": {},
    "empty list": [],
    "two answers": [{"type": "accept"}, {"type": "accept"}],
    "typo": {"approvd": True},
    "unknown key": {"approved": True, "edited_arg": {}},
    "truthy": {"approved": "true"},
    "unknown type": {"type": "yolo"},
    "type of wrong type": {"decisions": [{"type": ["approve"]}]},
    "no decision": {"decisions": []},
    "two decisions": {"decisions": [{"type": "approve"}, {"type": "approve"}]},
    "edit as text": {"approved": True, "edited_args": "{}"},
    "edit without arguments": {"type": "edit", "args": "make it nicer"},
    "contradiction": {"approved": True, "ignored": True},
    "two verdicts": {"type": "accept", "approved": False},
    "two verdicts in a list": {"approved": False, "decisions": [{"type": "approve"}]},
    "approval with an edit": {"type": "approve", "edited_args": EDITED},
    "ignored with words": {"type": "ignore", "args": "later"},
    "drifted digest": {"approved": True, "digest": "0" * 64},
    "drifted edit": {"approved": True, "digest": "0" * 64, "edited_args": EDITED},
    "digest of wrong type": {"approved": True, "digest": [DIGEST]},
    "other action": {"approved": True, "action_id": "action-2"},
    "accept of another call": {"type": "accept", "args": {"action": "purge", "args": ARGS}},
    "not a time": {"approved": True, "decided_at": "yesterday"},
    "names of wrong type": {"approved": True, "edited_args": {1: 2}},
    "tags of wrong type": {"approved": True, "tags": "x"},
    "response without text": {"type": "response", "args": ""},
}


@pytest.mark.parametrize("value", GARBAGE.values(), ids=GARBAGE.keys())
async def test_a_refused_answer_runs_nothing_and_leaves_the_question_answerable(
    thread, mailbox, value
):
    await thread.start()
    await thread.answer(value)
    (payload,) = (await thread.open()).value
    assert payload["hitloop"]["error"]
    assert payload["hitloop"]["digest"] == DIGEST
    assert mailbox.calls == []
    result = await thread.answer({"approved": True, "digest": DIGEST})
    assert mailbox.calls == [ARGS]
    assert result["tool_result"]["success"] is True


async def test_a_plain_resume_as_in_the_readme_may_be_refused_and_repeated(thread, mailbox):
    await thread.start()
    await thread.graph.ainvoke(Command(resume="yes"), {"configurable": {"thread_id": "t"}})
    await thread.graph.ainvoke(Command(resume={"approved": True}), thread.config)
    assert mailbox.calls == [ARGS]


async def test_an_edit_to_another_tool_is_checked_by_the_policy_again(thread, mailbox):
    await thread.start()
    await thread.answer({"type": "edit", "args": {"action": "purge", "args": {"all": True}}})
    assert mailbox.calls == []
    (payload,) = (await thread.open()).value
    assert payload["action_request"] == {"action": "purge", "args": {"all": True}}
    assert payload["hitloop"]["action"]["risk_class"] == "high"
    assert "changed the tool from send_email" in payload["hitloop"]["policy_reason"]
    result = await thread.answer({"approved": True, "digest": payload["hitloop"]["digest"]})
    assert mailbox.calls == [{"purge": {"all": True}}]
    assert result["approval_decision"]["proposed"]["tool_name"] == "send_email"


async def test_rejecting_the_changed_tool_decides_about_the_original_action(thread, mailbox):
    await thread.start()
    await thread.answer({"type": "edit", "args": {"action": "purge", "args": {}}})
    result = await thread.answer({"approved": False})
    assert mailbox.calls == []
    assert result["approval_decision"]["action_id"] == "action-1"
    assert result["proposed_action"] == PROPOSED


WORDS = st.sampled_from(
    [
        *["approved", "edited_args", "response", "ignored", "reason", "tags", "decided_by"],
        *["decided_at", "digest", "action_id", "type", "args", "edited_action", "decisions"],
        *["message", "action", "name", "accept", "edit", "reject", "ignore", "send_email"],
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.binary() | st.text() | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=500)
@given(value=VALUES)
@example(value=[[[{"approved": True}]]])
@example(value={"type": "edit", "args": {"args": {"a": 1}, "action": 7}})
@example(value={"approved": True, "decided_at": "2026-01-01T00:00:00+99:99"})
def test_whatever_is_sent_is_understood_or_refused(value):
    """An error of any other kind would be stored as the answer, for good."""
    asked = Asked(Action.model_validate(PROPOSED), "because")
    try:
        answer = read_answer(value, asked)
    except Refused:
        return
    assert answer.verdict in ("approve", "edit", "reject", "respond", "ignore")
    assert (answer.verdict == "edit") == (answer.args is not None)
    assert (answer.verdict == "respond") == (answer.response is not None)
