"""`@hitl_action` in real graphs: what is asked, what runs, and what a refusal returns."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, TypedDict

import pytest
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command

from hitloop_tui import RiskClass, TelemetryLogger
from hitloop_tui.langgraph import hitl_action
from hitloop_tui.langgraph.interrupt_nodes import hitl_action as same

CONFIG: dict[str, Any] = {"configurable": {"thread_id": "t-1"}}


class State(TypedDict, total=False):
    out: Any


class Desk:
    """One node that makes one call; `ask` starts it, `answer` resumes it."""

    def __init__(self, call: Any, saver: Any = None) -> None:
        graph = StateGraph(State)
        graph.add_node("tool", call)
        graph.add_edge(START, "tool")
        self.app: Any = graph.compile(checkpointer=saver or InMemorySaver())

    def ask(self) -> dict[str, Any]:
        result = self.app.invoke({"out": None}, CONFIG)
        return result["__interrupt__"][0].value[0]

    def answer(self, value: Any) -> Any:
        return self.app.invoke(Command(resume=value), CONFIG)

    def out(self, value: Any) -> Any:
        return self.answer(value)["out"]


def guarded(*args: Any, **options: Any) -> tuple[Desk, list[dict[str, Any]]]:
    calls: list[dict[str, Any]] = []

    @hitl_action(**options)
    def send_email(to: str, subject: str = "Hello", *, copies: int = 1) -> dict[str, Any]:
        calls.append({"to": to, "subject": subject, "copies": copies})
        return {"status": "sent", "to": to}

    return Desk(lambda state: {"out": send_email(*(args or ("dana",)))}), calls


FULL = {"to": "dana", "subject": "Hello", "copies": 1}


def test_the_question_shows_every_argument_that_will_run():
    desk, calls = guarded(risk_class=RiskClass.HIGH)
    payload = desk.ask()
    assert payload["action_request"] == {"action": "send_email", "args": FULL}
    assert payload["hitloop"]["action"]["risk_class"] == "high"
    assert desk.out({"approved": True, "decided_by": "human:dana"}) == {
        "status": "sent",
        "to": "dana",
    }
    assert calls == [FULL]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ([{"type": "response", "args": "ask Kim"}], {"human_response": "ask Kim"}),
        ([{"type": "ignore", "args": None}], {"reason": "Ignored by human"}),
        ({"approved": False, "reason": "no"}, {"reason": "no"}),
        (False, {"reason": "Rejected by human"}),
        ({"decisions": [{"type": "reject", "message": "no"}]}, {"reason": "no"}),
    ],
)
def test_a_refusal_is_what_the_call_returns(answer, expected):
    desk, calls = guarded()
    desk.ask()
    assert desk.out(answer) == {"rejected": True, **expected}
    assert calls == []


@pytest.mark.parametrize(
    "answer",
    [
        {"approved": True, "edited_args": {**FULL, "to": "kim"}},
        [{"type": "edit", "args": {"action": "send_email", "args": {**FULL, "to": "kim"}}}],
    ],
)
def test_edited_arguments_are_what_runs(answer):
    desk, calls = guarded()
    desk.ask()
    desk.answer(answer)
    assert calls == [{**FULL, "to": "kim"}]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("yes please", "not understood"),
        ({"approved": True, "edited_args": {**FULL, "bcc": "kim"}}, "do not fit send_email"),
        ({"approved": True, "edited_args": {"subject": "Hi", "copies": 1}}, "missing: to"),
        ([{"type": "edit", "args": {"action": "purge", "args": {}}}], "Only send_email"),
        ({"approved": True, "digest": "0" * 64}, "has changed"),
    ],
)
def test_an_answer_that_cannot_be_used_leads_to_the_same_question(answer, said):
    desk, calls = guarded()
    first = desk.ask()
    second = desk.answer(answer)["__interrupt__"][0].value[0]
    assert said in second["hitloop"]["error"]
    assert second["action_request"] == first["action_request"]
    desk.answer(True)
    assert calls == [FULL]


def test_an_edit_leaves_alone_what_it_does_not_change():
    """A person sees the text of a path; the tool gets the path."""
    ran: list[Any] = []

    @hitl_action()
    def remove(path: Path, *names: str, force: bool = False, config: RunnableConfig) -> None:
        ran.append((path, names, force, config))

    desk = Desk(lambda _: {"out": remove(Path("/tmp/x"), "a", "b", config={"k": 1})})
    args = desk.ask()["action_request"]["args"]
    assert args == {"path": "/tmp/x", "names": ["a", "b"], "force": False}
    again = desk.answer({"approved": True, "edited_args": {**args, "config": {}}})
    error = again["__interrupt__"][0].value[0]["hitloop"]["error"]
    assert "not to be edited: config" in error
    desk.answer({"approved": True, "edited_args": {**args, "force": True}})
    assert ran == [(Path("/tmp/x"), ("a", "b"), True, {"k": 1})]


def test_what_a_validator_does_to_its_arguments_is_not_what_runs():
    def greedy(args: dict[str, Any]) -> tuple[bool, str]:
        return args.pop("to") == "dana" and args.clear() is None, "took it all"

    desk, calls = guarded(risk_class=greedy, anomaly_validators=[greedy])
    assert desk.ask()["action_request"]["args"] == FULL
    desk.answer(True)
    assert calls == [FULL]


@pytest.mark.parametrize("said", [None, True, (True,), "unusual"])
def test_a_validator_that_answers_nonsense_makes_it_high(said):
    desk, _ = guarded(risk_class=RiskClass.LOW, anomaly_validators=[lambda args: said])
    assert desk.ask()["hitloop"]["action"]["risk_class"] == "high"


def broadcast(args: dict[str, Any]) -> RiskClass:
    return RiskClass.HIGH if "all@" in args["to"] else RiskClass.LOW


@pytest.mark.parametrize(("to", "risk"), [("all@halden.example", "high"), ("dana", "low")])
def test_risk_is_computed_from_the_arguments(to, risk):
    desk, _ = guarded(to, risk_class=broadcast)
    assert desk.ask()["hitloop"]["action"]["risk_class"] == risk


def test_an_anomaly_and_a_broken_validator_make_it_high_and_are_named():
    def blocked(args: dict[str, Any]) -> tuple[bool, str]:
        return args["to"] == "dana", "blocked domain"

    def broken(args: dict[str, Any]) -> tuple[bool, str]:
        raise KeyError("bcc")

    desk, _ = guarded(risk_class=RiskClass.LOW, anomaly_validators=[blocked, broken])
    detail = desk.ask()["hitloop"]
    assert detail["action"]["risk_class"] == "high"
    assert "blocked domain" in detail["policy_reason"]
    assert "bcc" in detail["policy_reason"]


def test_a_broken_risk_function_is_high_risk_not_a_crash():
    desk, _ = guarded(risk_class=lambda args: args["nothing"])
    assert desk.ask()["hitloop"]["action"]["risk_class"] == "high"


def test_a_description_of_ones_own():
    desk, _ = guarded(description="{tool_name} to {args[to]} is {risk}")
    assert desk.ask()["description"] == "send_email to dana is medium"


def test_the_callback_hears_once_and_knows_the_thread():
    """hitloop 0.5.1 calls it again on resume, with the thread id "unknown"."""
    seen: list[str] = []

    async def notify(payload: Any, thread_id: str) -> None:
        seen.append(thread_id)

    desk, calls = guarded(on_interrupt=notify)
    desk.ask()
    desk.answer(True)
    assert seen == ["t-1"]
    assert len(calls) == 1


def test_the_telemetry_has_each_step_once():
    with TelemetryLogger() as logger:
        desk, _ = guarded(logger=logger)
        desk.ask()
        desk.answer({"approved": True, "decided_by": "human:dana"})
        events = logger.get_events("t-1")
    assert [event.event_type.value for event in events] == [
        "action_proposed",
        "approval_requested",
        "approval_decided",
        "tool_execution_start",
        "tool_execution_end",
    ]
    assert events[2].payload["latency_ms"] > 0


async def test_async_tools_wait_and_run(tmp_path):
    seen: list[str] = []

    @hitl_action(on_interrupt=lambda payload, thread_id: seen.append(thread_id))
    async def send_email(to: str) -> str:
        return f"sent to {to}"

    async def call(state: State) -> State:
        return {"out": await send_email("dana")}

    assert inspect.iscoroutinefunction(send_email)
    async with AsyncSqliteSaver.from_conn_string(str(tmp_path / "a.db")) as saver:
        app = Desk(call, saver).app
        await app.ainvoke({"out": None}, CONFIG)
        result = await app.ainvoke(Command(resume=True), CONFIG)
    assert result["out"] == "sent to dana"
    assert seen == ["t-1"]


async def test_a_sync_tool_inside_an_async_node_on_an_async_checkpointer(tmp_path):
    seen: list[str] = []

    @hitl_action(on_interrupt=lambda payload, thread_id: seen.append(thread_id))
    def send_email(to: str) -> str:
        return f"sent to {to}"

    async def call(state: State) -> State:
        return {"out": send_email("dana")}

    async with AsyncSqliteSaver.from_conn_string(str(tmp_path / "a.db")) as saver:
        app = Desk(call, saver).app
        await app.ainvoke({"out": None}, CONFIG)
        result = await app.ainvoke(Command(resume=True), CONFIG)
    assert result["out"] == "sent to dana"
    assert seen == ["t-1"]


def test_two_guarded_calls_in_one_node_are_two_questions():
    seen: list[str] = []
    calls: list[str] = []

    @hitl_action(
        on_interrupt=lambda payload, _: seen.append(payload["action_request"]["args"]["x"])
    )
    def note(x: str) -> str:
        calls.append(x)
        return x

    desk = Desk(lambda state: {"out": [note("a"), note("b")]})
    desk.ask()
    desk.answer(True)
    assert desk.out(True) == ["a", "b"]
    assert seen == ["a", "b"]


def test_methods_varied_arguments_and_injected_ones():
    ran: list[Any] = []

    class Office:
        @hitl_action()
        def mail(self, to: str, /, *rest: str, config: RunnableConfig, **more: int) -> str:
            ran.append((type(self).__name__, to, rest, config, more))
            return "ok"

    office = Office()
    desk = Desk(lambda state: {"out": office.mail("a", "b", "c", config={"k": 1}, n=2)})
    args = desk.ask()["action_request"]["args"]
    assert args == {"to": "a", "rest": ["b", "c"], "n": 2}
    desk.answer({"approved": True, "edited_args": {"to": "z", "rest": ["y"], "n": 3}})
    assert ran == [("Office", "z", ("y",), {"k": 1}, {"n": 3})]


def test_it_is_a_langchain_tool_underneath_the_decorator():
    @tool
    @hitl_action(risk_class=RiskClass.HIGH)
    def send_email(to: str, copies: int = 1) -> str:
        """Send an e-mail."""
        return f"{copies} to {to}"

    assert set(send_email.args) == {"to", "copies"}
    desk = Desk(lambda state: {"out": send_email.invoke({"to": "dana"})})
    assert desk.ask()["action_request"] == {
        "action": "send_email",
        "args": {"to": "dana", "copies": 1},
    }
    assert desk.out(True) == "1 to dana"


def test_marks_that_hitloop_sets():
    @hitl_action(risk_class=RiskClass.LOW)
    def note() -> None:
        """Write it down."""

    assert same is hitl_action
    assert note.__name__ == "note"
    assert note._hitl_action is True  # type: ignore[attr-defined]
    assert note._hitl_config == {"risk_class": RiskClass.LOW, "anomaly_validators": []}  # type: ignore[attr-defined]


def test_outside_of_a_graph_nothing_runs():
    @hitl_action()
    def note() -> None:
        pytest.fail("ran")

    with pytest.raises(RuntimeError):
        note()
