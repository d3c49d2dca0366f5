"""Real files whose every field holds a hostile text: checkpoints, ledger, approvals, telemetry."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.types import interrupt
from pydantic import BaseModel, Field, create_model

from hitloop_tui.attach import orders
from hitloop_tui.attach.decide import decide
from hitloop_tui.attach.events import Event, write_events
from hitloop_tui.attach.leases import Leases
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Kind, Verdict
from hitloop_tui.attach.session import Session
from hitloop_tui.core.digest import action_digest
from hitloop_tui.core.logger import TelemetryLogger
from hitloop_tui.core.models import Action, ApprovalRequest, Decision, ToolResult
from hitloop_tui.paths import approvals_path, telemetry_path
from hitloop_tui.persistence import PendingApprovalRecord, SQLiteApprovalStore

RISKS = ("high", "medium", "low")
PENDING_SINCE = datetime(2026, 11, 23, tzinfo=UTC)


class Talk(TypedDict, total=False):
    value: Any
    schema: Any
    answer: Any
    messages: Annotated[list[Any], add_messages]


def storable(text: str) -> bool:
    """Whether SQLite and msgpack take it; lone surrogates only come as JSON or from argv."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def gate(text: str, risk: str = "medium", args: Any = None) -> list[dict[str, Any]]:
    """What our own gate asks, with `text` in every place that holds one."""
    args = args or {text: text, "nested": {text: [text, {text: 1}]}, "twice": f"{text}\n{text}"}
    ours = {"tool_name": text, "tool_args": args, "risk_class": risk, "rationale": text}
    ours |= {"side_effects": [text, text], "context_refs": [text, text]}
    return [
        {
            "action_request": {"action": text, "args": args},
            "config": {"allow_edit": True, "allow_respond": True, "allow_ignore": True},
            "description": text,
            "hitloop": {
                "version": 1,
                "action": ours,
                "digest": action_digest(text, args),
                "policy": text,
                "policy_reason": text,
                "approvals": [text],
                "quorum": 2,
                "error": text,
            },
        }
    ]


def batch(text: str) -> dict[str, Any]:
    """What LangChain's middleware asks about two calls."""
    requests = [{"name": text, "args": {text: text}, "description": text} for _ in range(2)]
    allowed = {"action_name": text, "allowed_decisions": ["approve", "edit", "reject", "respond"]}
    return {"action_requests": requests, "review_configs": [allowed, allowed]}


def form(text: str) -> type[BaseModel]:
    """A schema whose titles, descriptions, options and defaults are `text`."""
    return create_model(
        "Form",
        a=(str, Field(default=text, title=text, description=text)),
        b=(bool, Field(title=text, description=text)),
        c=(str, Field(title=text, json_schema_extra={"enum": [text, "other"]})),
        d=(list[str], Field(title=text, json_schema_extra={"items": {"enum": [text, "x"]}})),
    )


def build(path: Path, texts: Sequence[str]) -> list[str]:
    """Two threads for each text, with all that others can write about them; the thread ids."""
    threads: list[str] = []
    with closing(sqlite3.connect(path, check_same_thread=False)) as connection:
        saver = SqliteSaver(connection)
        for number, text in enumerate(texts):
            questions = (gate(text, RISKS[number % 3]), (batch(text), text, form(text))[number % 3])
            for part, question in enumerate(questions):
                name = _thread(text, number, part)
                ask(saver, name, text, question)
                threads.append(name)
    _others(path, texts)
    asyncio.run(_stored(path, texts[:: max(len(texts) // 200, 1)]))
    _telemetry(path, texts)
    return threads


def _thread(text: str, number: int, part: int) -> str:
    """The text itself, made unique by its end, which a narrow inbox does not reach."""
    return f"{text} {number}.{part}" if storable(text) else f"surrogate {number}.{part}"


def ask(saver: SqliteSaver, thread: str, text: str, question: Any) -> None:
    """A thread whose only node, messages and question hold `text`."""
    legal = storable(text)
    said = text if legal else "surrogate"

    def node(state: Talk) -> Talk:
        if isinstance(question, type):
            return {"answer": interrupt(said, response_schema=question)}
        return {"answer": interrupt(question if legal else "surrogate")}

    builder = StateGraph(Talk)
    name = _node_name(said)
    builder.add_node(name, node)
    builder.add_edge(START, name)
    builder.add_edge(name, END)
    calls = [{"name": said, "args": {said: said}, "id": "call-1"}]
    messages = [
        HumanMessage(said, id="1"),
        AIMessage(said, tool_calls=calls, id="2"),
        ToolMessage(said, tool_call_id="call-1", name=said, id="3"),
    ]
    config = {"configurable": {"thread_id": thread}, "metadata": {"graph_id": said}}
    builder.compile(checkpointer=saver).invoke({"messages": messages}, config)
    if not legal:
        _as_json(saver.conn, thread, question)


def _node_name(text: str) -> str:
    """LangGraph refuses a few names."""
    reserved = text in ("", START, END, "value", "schema", "answer", "messages")
    return "ask" if reserved or set(text) & set(":|,") else text


def _as_json(connection: sqlite3.Connection, thread: str, question: Any) -> None:
    """Old checkpointers wrote JSON, in which a lone surrogate is an escape like any other."""
    value = "\ud800 form" if isinstance(question, type) else question
    found = json.dumps([{"value": value, "id": "ab" * 16}])
    connection.execute(
        "UPDATE writes SET type='json', value=? WHERE thread_id=? AND channel='__interrupt__'",
        (found.encode(), thread),
    )
    connection.commit()


def _others(path: Path, texts: Sequence[str]) -> None:
    """Claims on every first thread; decisions, failures and unreadable rows among the second."""
    session = Session.open(path)
    try:
        session.inbox.load()
        reviews = {row.thread_id: row.key for row in session.inbox.rows()}
        leases = Leases(session.ledger.file, ["g"])
        leases.register()
        for number, text in enumerate(texts):
            person = Person(text, {"login": text})
            first, second = _thread(text, number, 0), _thread(text, number, 1)
            if storable(text):
                orders.claim(session.ledger, reviews[first], person, 3600.0)
            if number % 3 == 0 and storable(text):
                _decided(session, leases, reviews[second], text)
        leases.retire()
        write_events(session.ledger.file, [e for t in texts if storable(t) for e in _events(t)])
    finally:
        session.close()
    with closing(sqlite3.connect(path)) as connection:
        for number, text in enumerate(texts[3::7]):
            _unreadable(connection, f"unreadable {number}", text)
        connection.commit()


def _decided(session: Session, leases: Leases, key: str, text: str) -> None:
    """Somebody with a hostile name decided for a hostile reason, and the tool said something."""
    review = session.inbox.review(key)
    assert review is not None
    session.inbox.read_ledger()
    verdict = Verdict(Kind.REJECT, reason=text)
    verdicts = dict.fromkeys(range(len(review.actions)), verdict)
    outcome = decide(session.inbox, review, verdicts, Person(text, {"login": text}))
    assert outcome.outcome == "recorded", outcome
    [lease] = leases.take(review.thread_id)
    leases.finish(lease, "failed", text)


def _events(text: str) -> list[Event]:
    """One of each kind that the worker's stream and the ledger know."""
    place = {"thread_id": text or "empty", "graph_id": text, "node": text, "ns": f"a|{text}"}
    return [
        Event(kind="custom", data={"value": {text: text}}, **place),
        Event(kind="token", data={"text": text, "message_id": text}, **place),
        Event(kind="task_error", data={"error": text, "detail": text}, **place),
        Event(kind="update", data={"value": text}, **place),
        Event(
            kind="decision", data={"tools": [text], "verdicts": [text], "decided_by": text}, **place
        ),
        Event(kind="failed", data={"detail": text}, **place),
        Event(kind="undo", data={"decided_by": text}, **place),
        Event(kind=text or "empty", data={text: [text]}, **place),
    ]


def _unreadable(connection: sqlite3.Connection, thread: str, text: str) -> None:
    """A row that names a type nobody knows, on a thread that looks like any other."""
    source = connection.execute("SELECT thread_id FROM checkpoints LIMIT 1").fetchone()[0]
    for table in ("checkpoints", "writes"):
        names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        picked = ", ".join("?" if name == "thread_id" else name for name in names)
        connection.execute(
            f"INSERT INTO {table} SELECT {picked} FROM {table} WHERE thread_id=?", (thread, source)
        )
    type_ = text if storable(text) else "surrogate"
    connection.execute(
        "UPDATE writes SET type=?, value=? WHERE thread_id=? AND channel='__interrupt__'",
        (type_, text.encode("utf-8", "surrogatepass"), thread),
    )


async def _stored(path: Path, texts: Sequence[str]) -> None:
    """Requests of backends that know no LangGraph."""
    store = SQLiteApprovalStore(approvals_path(path))
    await store.setup()
    for number, text in enumerate(texts):
        since = PENDING_SINCE + timedelta(minutes=number)
        record = PendingApprovalRecord.from_request(
            request(text), f"callback-{number}", f"stored {text}", since
        )
        await store.put(record)
    await store.close()


def request(text: str) -> ApprovalRequest:
    """What a backend is asked, with `text` everywhere."""
    action = Action(
        id=text,
        tool_name=text,
        tool_args={text: text, "list": [text, {text: text}], "twice": f"{text}\n{text}"},
        rationale=text,
        side_effects=[text],
        context_refs=[text],
    )
    return ApprovalRequest(
        run_id=text,
        action=action,
        summary_context=text,
        policy_name=text,
        policy_reason=text,
        quorum=2,
        approvals=[text],
    )


def _telemetry(path: Path, texts: Sequence[str]) -> None:
    with TelemetryLogger(telemetry_path(path)) as logger:
        for text in texts:
            action = request(text).action
            run = text or "empty"
            logger.log_llm_call(run, model=text, template_id=text, tokens_in=1)
            logger.log_action_proposed(run, action)
            logger.log_approval_requested(run, request(text), channel=text)
            decision = Decision(action_id=text, approved=True, reason=text, decided_by=text)
            logger.log_approval_decided(run, decision, channel=text)
            logger.log_tool_execution_start(run, action)
            result = ToolResult(action_id=text, success=False, error=text, error_class=text)
            logger.log_tool_execution_end(run, result)
            logger.log_error(run, ValueError(text), {text: text})
