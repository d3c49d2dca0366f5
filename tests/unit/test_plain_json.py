"""Values that JSON cannot say: shown as text, stored, and never in the way of others."""

from __future__ import annotations

import json
import math
from typing import Any, TypedDict

import pytest
from click.testing import CliRunner
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt

from hitloop_tui.attach import shapes
from hitloop_tui.attach.decide import decide
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Kind, Verdict
from hitloop_tui.attach.session import Session
from hitloop_tui.cli import hitloop
from hitloop_tui.core.plain_json import json_text, sayable
from hitloop_tui.tui.verdicts import clipping

ODD = {
    "bytes": b"\x00\xff",
    "floats": [math.nan, math.inf],
    "keys": {b"x": 1, (1, 2): 2, None: 3, True: 4, 1.5: 5},
    "big": 2**63,
}


def strict(text: str) -> Any:
    def refuse(name: str) -> Any:
        raise ValueError(name)

    return json.loads(text, parse_constant=refuse)


def test_every_value_has_a_strict_text():
    assert strict(json_text(ODD)) == {
        "bytes": "b'\\x00\\xff'",
        "floats": ["nan", "inf"],
        "keys": {"b'x'": 1, "(1, 2)": 2, "null": 3, "true": 4, "1.5": 5},
        "big": 2**63,
    }


@pytest.mark.parametrize(
    ("value", "is_"),
    [
        ({"a": [1, 1.5, None, True, "x", math.nan]}, True),
        ({1: "a"}, False),
        ({"a": [b""]}, False),
        ((1, 2), False),
    ],
)
def test_what_json_gives_back_as_it_is(value, is_):
    assert sayable(value) is is_


def test_keys_that_look_alike_do_not_hide_one_another():
    alike = {b"x": 1, "b'x'": 2, 1: 3, "1": 4, None: 5, "null": 6}
    shown = strict(json_text(alike))
    assert sorted(shown.values()) == [1, 2, 3, 4, 5, 6]
    assert (shown["b'x'"], shown["b'x' (bytes)"], shown["1"], shown["1 (int)"]) == (2, 1, 4, 3)


class State(TypedDict):
    args: Any


def test_an_odd_call_is_listed_shown_copied_and_approved(tmp_path, saver_of):
    db = tmp_path / "agents.db"
    config = {"allow_accept": True, "allow_edit": True}

    def ask(state: State) -> None:
        interrupt({"action_request": {"action": "odd", "args": ODD}, "config": config})

    graph = StateGraph(State).add_node("ask", ask).add_edge(START, "ask")
    thread = {"configurable": {"thread_id": "t"}}
    graph.compile(checkpointer=saver_of(db)).invoke({"args": 1}, thread)
    listed = CliRunner().invoke(hitloop, ["ls", str(db), "--json"])
    [shown] = strict(listed.stdout)
    session = Session.open(db)
    [review] = session.inbox.reviews()
    assert strict(clipping(review, 0, "args")) == shown["actions"][0]["tool_args"]
    approve = Verdict(Kind.APPROVE)
    assert shapes.answer(review, {0: approve}, Person("ann", {})) == [
        {"type": "accept", "args": None}
    ]
    assert decide(session.inbox, review, {0: approve}, Person("ann", {})).outcome == "recorded"
    session.close()
