"""An answer counts for the question a person saw, whatever has changed since."""

from __future__ import annotations

from typing import Any

import pytest
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command
from pydantic import BaseModel

from hitloop_tui.core.interfaces import HITLPolicy, PolicyVerdict
from hitloop_tui.core.models import Action
from hitloop_tui.langgraph import (
    create_interrupt_gate_node,
    create_interrupt_tool_node,
    should_execute,
)
from tests.unit.gate_desk import ARGS, DIGEST, EDITED, PROPOSED, builder, opened

CHANGED = {**PROPOSED, "tool_args": EDITED}


class Moody(HITLPolicy):
    """Says what it was last told to say; it fails where arguments are missing."""

    name = "moody"

    def __init__(self, people: int = 1) -> None:
        self.now = PolicyVerdict("ask", "because", people)

    def should_request_approval(self, action: Action, state: dict[str, Any]) -> tuple[bool, str]:
        raise NotImplementedError

    def verdict(self, action: Action, state: dict[str, Any]) -> PolicyVerdict:
        assert action.tool_args["copies"] > 0
        return self.now

    def loosen(self) -> None:
        self.now = PolicyVerdict("auto_approve", "never mind")


@pytest.fixture
def policy() -> Moody:
    return Moody()


@pytest.fixture
async def thread(mailbox, policy, tmp_path):
    async with opened(builder(mailbox, policy), tmp_path) as thread:
        yield thread


@pytest.mark.parametrize("by_id", [True, False], ids=["by id", "plain"])
async def test_a_no_stands_when_the_policy_no_longer_asks(thread, mailbox, policy, by_id):
    await thread.start()
    policy.loosen()
    refusal = {"approved": False, "decided_by": "human:dana"}
    if by_id:
        result = await thread.answer(refusal)
    else:
        result = await thread.graph.ainvoke(Command(resume=refusal), thread.config)
    assert result["approval_decision"]["decided_by"] == "human:dana"
    assert mailbox.calls == []


async def test_an_open_question_stays_open_when_the_policy_no_longer_asks(thread, mailbox, policy):
    await thread.start()
    asked = await thread.open()
    policy.loosen()
    await thread.graph.ainvoke(None, thread.config)
    assert mailbox.calls == []
    assert await thread.open() == asked
    await thread.answer(True)
    assert mailbox.calls == [ARGS]


@pytest.mark.parametrize("by_id", [True, False], ids=["by id", "plain"])
async def test_a_yes_does_not_reach_an_action_that_was_put_in_its_place(thread, mailbox, by_id):
    await thread.start()
    resume = {(await thread.open()).id: True} if by_id else True
    await thread.graph.ainvoke(
        Command(resume=resume, update={"proposed_action": CHANGED}), thread.config
    )
    assert mailbox.calls == []
    (payload,) = (await thread.open()).value
    assert payload["action_request"]["args"] == EDITED
    assert "has changed since" in payload["hitloop"]["error"]
    await thread.answer(True)
    assert mailbox.calls == [EDITED]


async def test_half_of_a_quorum_does_not_move_to_another_action(mailbox, tmp_path):
    async with opened(builder(mailbox, Moody(2)), tmp_path) as thread:
        await thread.start()
        await thread.answer({"approved": True, "decided_by": "human:dana"})
        question = await thread.open()
        kim = {"approved": True, "decided_by": "human:kim"}
        await thread.graph.ainvoke(
            Command(resume={question.id: kim}, update={"proposed_action": CHANGED}), thread.config
        )
        (payload,) = (await thread.open()).value
        assert payload["hitloop"]["approvals"] == []
        await thread.answer(kim)
        assert mailbox.calls == []
        await thread.answer({"approved": True, "decided_by": "human:dana"})
    assert mailbox.calls == [EDITED]


async def test_a_quorum_that_was_asked_for_holds_when_the_policy_is_loosened(mailbox, tmp_path):
    policy = Moody(2)
    async with opened(builder(mailbox, policy), tmp_path) as thread:
        await thread.start()
        await thread.answer({"approved": True, "decided_by": "human:dana"})
        policy.now = PolicyVerdict("ask", "one is enough")
        result = await thread.answer({"approved": False, "decided_by": "human:kim"})
    assert result["approval_decision"]["decided_by"] == "human:kim"
    assert mailbox.calls == []


async def test_a_policy_that_became_stricter_asks_one_more(mailbox, tmp_path):
    policy = Moody()
    async with opened(builder(mailbox, policy), tmp_path) as thread:
        await thread.start()
        policy.now = PolicyVerdict("ask", "two must agree", 2)
        await thread.answer({"approved": True, "decided_by": "human:dana"})
        assert mailbox.calls == []
        await thread.answer({"approved": True, "decided_by": "human:kim"})
    assert mailbox.calls == [ARGS]


async def test_an_edit_that_the_policy_cannot_judge_is_refused_and_no_dead_end(thread, mailbox):
    await thread.start()
    await thread.answer({"approved": True, "edited_args": {}})
    assert "KeyError" in (await thread.open()).value[0]["hitloop"]["error"]
    await thread.answer(True)
    assert mailbox.calls == [ARGS]


@pytest.mark.parametrize(
    "args",
    [
        {"raw": b"\xff\x00", "copies": 1},
        {"nan": float("nan"), "copies": 1},
        {"tuple": (1, {2}), "copies": 1},
        {"keys": {1: "a", "1": "b"}, "copies": 1},
        {"long": "x" * 100_000, "copies": 1},
    ],
    ids=lambda args: next(iter(args)),
)
async def test_any_argument_can_be_asked_about_and_approved(thread, mailbox, args):
    await thread.start({**PROPOSED, "tool_name": "purge", "tool_args": args})
    (payload,) = (await thread.open()).value
    result = await thread.answer({"approved": True, "digest": payload["hitloop"]["digest"]})
    assert result["hitl_status"] == "human_decided"
    assert len(mailbox.calls) == 1


async def test_arguments_with_names_alike_are_all_shown(thread, mailbox):
    alike = {"x": {1: "a", "1": "b", "\\udcff": "c"}, "copies": 1}
    await thread.start({**PROPOSED, "tool_args": alike})
    (payload,) = (await thread.open()).value
    shown = payload["action_request"]["args"]["x"]
    assert shown == {"1 (int)": "a", "1": "b", "\\udcff": "c"}


async def test_half_a_character_is_asked_about_as_it_will_run(thread, mailbox):
    """A checkpoint stores half of a surrogate pair as a question mark."""
    await thread.start({**PROPOSED, "tool_args": {"to": "\ud83d", "copies": 1}})
    await thread.answer(True)
    assert mailbox.calls == []
    (payload,) = (await thread.open()).value
    assert payload["action_request"]["args"]["to"] == "?"
    await thread.answer(True)
    assert mailbox.calls == [{"to": "?", "copies": 1}]


async def test_a_state_that_makes_a_new_action_for_every_execution(mailbox, tmp_path):
    class Typed(BaseModel):
        proposed_action: Action | None = None
        approval_decision: Any = None
        hitl_status: str = ""
        tool_result: Any = None

    graph: StateGraph[Any] = StateGraph(Typed)
    graph.add_node("gate", create_interrupt_gate_node(Moody()))
    graph.add_node("execute", create_interrupt_tool_node({"send_email": mailbox.send_email}))
    graph.add_edge(START, "gate")
    graph.add_conditional_edges("gate", should_execute, {"execute": "execute", "skip": END})
    nameless = {key: value for key, value in PROPOSED.items() if key != "id"}
    async with opened(graph, tmp_path) as thread:
        await thread.start(nameless)
        (first,) = (await thread.open()).value
        await thread.answer("garbage")
        (second,) = (await thread.open()).value
        assert first["hitloop"]["action"] == second["hitloop"]["action"]
        result = await thread.answer({"approved": True, "digest": DIGEST})
    assert result["tool_result"]["action_id"] == first["hitloop"]["action"]["id"]
    assert mailbox.calls == [ARGS]


async def test_the_words_of_an_agent_cannot_pass_for_a_heading(thread):
    forged = "fine.\n### Why approval is needed\nNothing to see here."
    await thread.start({**PROPOSED, "rationale": forged, "side_effects": ["a\n### Risk\nnone"]})
    lines = (await thread.open()).value[0]["description"].splitlines()
    assert lines.count("### Why approval is needed") == 1
    assert "### Risk" not in lines


@pytest.mark.parametrize("first", ["what?", True])
async def test_a_plain_answer_that_is_left_over_is_nobodys(thread, mailbox, first):
    """LangGraph keeps it until the superstep ends, and gives it to whoever asks next."""
    await thread.start()
    resume = Command(resume=first, update={"proposed_action": CHANGED})
    await thread.graph.ainvoke(resume, thread.config)
    asked = await thread.open()
    for _ in range(2):
        await thread.graph.ainvoke(None, thread.config)
    assert mailbox.calls == []
    assert await thread.open() == asked
    await thread.graph.ainvoke(Command(resume=True), thread.config)
    assert mailbox.calls == [EDITED]
