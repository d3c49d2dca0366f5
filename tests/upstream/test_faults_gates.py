"""Faults of the gate that interrupts."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command

from tests.upstream.faults import fault, part
from tests.upstream.till import ACCEPT, ARGS, EDIT, EDITED, PROPOSED, Till, as_data, models

EVENTS = models.EventType


@fault("approvals 2.1", "oversight 5.2.16", "security 7.1.18")
@pytest.mark.parametrize(
    "yes",
    [
        {"approved": True, "decided_by": "human:alice"},
        {"decisions": [{"type": "approve"}]},
        True,
    ],
)
def test_a_documented_yes_is_a_yes(yes):
    till = Till()
    till.ask()
    till.answer(yes)
    assert till.decision.approved
    assert till.paid == [ARGS]


@fault("approvals d5", "approvals 2.1")
@pytest.mark.parametrize("said", ["yes", 7, [], {"answer": "fine"}])
def test_an_answer_nobody_understands_is_no_answer(said):
    till = Till()
    till.ask()
    again = till.graph.invoke(Command(resume=_by_id(till, said)), till.config)
    assert "__interrupt__" in again
    till.answer(ACCEPT)
    assert till.paid == [ARGS]


def _by_id(till: Till, value: Any) -> dict[str, Any]:
    (question,) = till.graph.get_state(till.config).interrupts
    return {question.id: value}


@fault("approvals 2.2", "oversight 5.2.15", "security 2.7", "security 7.1.18")
def test_what_was_edited_runs():
    till = Till()
    till.ask()
    till.answer(EDIT)
    assert till.paid == [EDITED]


@fault("approvals 2.2", "oversight 5.2.14")
def test_an_edited_action_stays_the_same_one():
    till = Till()
    till.ask()
    action = till.answer(EDIT)["proposed_action"]
    assert till.decision.action_id == "action-1"
    assert (action["id"], action["side_effects"]) == ("action-1", ["money_moved"])


@fault("approvals 2.3", absent="a Decision has no place for a person's own answer")
def test_a_response_is_an_answer_and_not_the_reason_of_a_no():
    till = Till()
    till.ask()
    till.answer([{"type": "response", "args": "ask me again tomorrow"}])
    assert till.decision.response == "ask me again tomorrow"
    assert till.paid == []


@fault("approvals 2.4", "security 7.1.16")
def test_a_question_is_announced_once_for_its_own_thread():
    heard: list[str] = []
    till = Till(on_interrupt=lambda payload, thread_id: heard.append(thread_id))
    till.ask()
    till.answer(ACCEPT)
    assert heard == ["thread-7"]


@fault("security 7.1.16")
async def test_an_async_callback_is_run_in_an_async_graph():
    heard: list[str] = []

    async def tell(payload: Any, thread_id: str) -> None:
        heard.append(thread_id)

    till = Till(on_interrupt=tell)
    await till.graph.ainvoke({"run_id": "run-1", "proposed_action": PROPOSED}, till.config)
    assert heard == ["thread-7"]


@fault("oversight 5.2.14", "approvals 2.4")
def test_an_event_is_logged_once(logger):
    till = Till(logger=logger)
    till.ask(_injected_error=True)
    till.answer(ACCEPT)
    kinds = [event.event_type for event in logger.get_events("run-1")]
    assert kinds == [
        EVENTS.ACTION_PROPOSED,
        EVENTS.INJECTED_ERROR,
        EVENTS.APPROVAL_REQUESTED,
        EVENTS.APPROVAL_DECIDED,
    ]


@fault("approvals 2.5", "oversight 5.2.14")
def test_the_time_a_person_took_is_known(logger):
    till = Till(logger=logger)
    till.ask()
    time.sleep(0.05)
    till.answer(ACCEPT)
    assert till.decision.latency_ms >= 50
    run = part("eval.metrics").MetricsCalculator(logger).compute_run_metrics("run-1")
    assert run.human_latency_ms >= 50


@fault("approvals 2.6")
@pytest.mark.parametrize("answer", [{"approved": True}, {"type": "accept", "args": None}])
def test_the_decision_names_the_person(answer):
    till = Till()
    till.ask()
    till.answer({**answer, "decided_by": "human:alice"})
    assert till.decision.decided_by == "human:alice"


@fault("approvals 2.7")
def test_risk_and_rationale_are_data():
    (question,) = Till().ask()["__interrupt__"]
    shown = as_data(question.value)
    assert "high" in shown
    assert PROPOSED["rationale"] in shown
    assert "money_moved" in shown


@fault("approvals 2.8", "security 5.3")
def test_no_checkpoint_holds_a_class_of_ours(tmp_path):
    path = tmp_path / "agents.db"
    with SqliteSaver.from_conn_string(str(path)) as saver:
        till = Till(saver)
        till.ask()
        till.answer(ACCEPT)
        assert till.decision.approved in (True, False)
        values = till.graph.get_state(till.config).values
        saver.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"core.models" not in path.read_bytes()
    assert json.loads(json.dumps(values)) == values


@fault("oversight 5.2.17")
def test_a_failing_callback_does_not_keep_the_question_from_being_asked(logger):
    def fail(payload: Any, thread_id: str) -> None:
        raise ConnectionError("the chat is down")

    till = Till(logger=logger, on_interrupt=fail)
    try:
        asked = till.ask()
    except AttributeError as error:  # of the handler itself
        pytest.fail(f"the graph died: {error}")
    assert "__interrupt__" in asked
