"""From rows of `writes` to Questions: LangGraph's rules, without LangGraph."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import xxhash

from hitloop_tui.attach.decode import Undecodable, doubts, loads
from hitloop_tui.attach.interrupt_values import Found, interrupts
from hitloop_tui.attach.leftovers import Taken, spent
from hitloop_tui.attach.review import Identity, Question, TaskPlace

PULL = "~__pregel_pull, "
CANCELLED = "CancelledError()"
"""The error row of a task that was stopped because a sibling failed."""
UUID_EPOCH_100NS = 0x01B21DD213814000


@dataclass(frozen=True, slots=True)
class Leaf:
    """The task that asked, where its answers are counted: inside a subgraph, or at the root."""

    ids: tuple[str, ...]
    answers: int
    namespaces: tuple[str, ...]
    """What its interrupt ids may be made of; empty when nothing tells the node's name."""
    error: str | None
    """What the task raised, `CANCELLED` included."""
    place: TaskPlace
    ended: bool = False
    """Whether the task has ended, while the one around it has not: a subgraph's, or the function's
    that called it."""

    @property
    def at_root(self) -> bool:
        return not self.place.checkpoint_ns

    def within(self, task_path: str) -> bool:
        """Whether it is inside a subgraph, or was called by the task with this path."""
        return not self.at_root or len(self.place.task_path) > len(task_path)

    def may_be_in(self, task_id: str) -> bool:
        """Whether this is inside the subgraph of a root task; a stateful one does not tell."""
        outermost = self.place.checkpoint_ns.partition("|")[0].partition(":")
        return not outermost[1] or outermost[2] == task_id

    def taken(self, interrupt_id: str) -> bool:
        """Whether an answer to this very question is stored, as far as the rows tell.

        Without a name, any answer may be the one: a question that looks answered is looked at by
        a person, one that looks open by mistake would run the tool with the old answer.
        """
        if not self.namespaces:
            return self.answers > 0
        return any(_among(interrupt_id, place, self.answers) for place in self.namespaces)


Leaves = Callable[[str], list[Leaf]]
"""Leaf rows of a thread, deepest first, and those of its head."""

Nodes = Callable[[str, str], list[str]]
"""Names of the nodes that may run next, by thread and checkpoint."""


def asked_at(checkpoint_id: str) -> datetime:
    """The time in a UUIDv6 checkpoint id (RFC 9562, section 5.6); the epoch for any other id."""
    try:
        uuid = UUID(checkpoint_id)
        if uuid.version != 6:
            raise ValueError(checkpoint_id)
        ticks = (uuid.time_low << 28) | (uuid.time_mid << 12) | (uuid.time_hi_version & 0x0FFF)
        return datetime.fromtimestamp((ticks - UUID_EPOCH_100NS) / 1e7, UTC)
    except (ValueError, TypeError, AttributeError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def questions(
    rows: Iterable[sqlite3.Row],
    leaves: Leaves,
    nodes: Nodes,
    taken: Taken,
    graph_id: Callable[[str], str | None],
) -> Iterator[Question]:
    """Questions of unfinished tasks, each interrupt once.

    The functional API writes the first interrupt of its child tasks a second time on the
    entrypoint's task: the row with the longer task path is the child's. Without task paths it is
    the one written first; both are written anew whenever the entrypoint runs.
    """
    best: dict[tuple[str, str], tuple[tuple[int, int], Question]] = {}
    for row in rows:
        rank = (len(row["task_path"] or ""), -row["id"])
        for question in _of_row(row, leaves, nodes, taken, graph_id):
            key = (row["thread_id"], question.identity.interrupt_id or f"task {row['task_id']}")
            if key not in best or rank > best[key][0]:
                best[key] = rank, question
    for _, question in best.values():
        yield question


def _stands(asker: Leaf, stopped: str | None) -> bool:
    """Whether a task is over, or raised: what it was answered is no longer on its way."""
    return asker.ended or (stopped or asker.error) is not None


def _of_row(
    row: sqlite3.Row,
    leaves: Leaves,
    nodes: Nodes,
    taken: Taken,
    graph_id: Callable[[str], str | None],
) -> Iterator[Question]:
    stopped = _error(row)
    for found in _with_doubts(row):
        asker = _asker(row, found.id, leaves, nodes)
        own_task = asker.place.task_id == row["task_id"]
        # A task that was cancelled halfway keeps its answer, and would take it again.
        stored = asker.taken(found.id) and _stands(asker, stopped)
        answered = stored or asker.ended
        # The last answer was given to this question: it had one less when it was decided.
        answers = asker.answers - stored
        error = asker.error or (stopped if answered else None)
        yield Question(
            identity=_identity(row, asker, found.id, answers),
            value=found.value,
            response_schema=found.schema,
            digest=found.digest,
            requested_at=asked_at(_text(row["checkpoint_id"])),
            node=node_of(row["task_path"]),
            graph_id=graph_id(row["thread_id"]),
            error=None if error == CANCELLED and not answered else error,
            answered=answered,
            consumed=asker.ended,
            leftover_answer=row["leftover_id"] is not None,
            leftover_spent=spent(row, own_task, asker.ended, taken),
            place=asker.place,
            doubts=found.doubts,
            undecodable=found.undecodable,
        )


def _identity(row: sqlite3.Row, asker: Leaf, interrupt_id: str, answers: int) -> Identity:
    task_id = asker.place.task_id if asker.at_root else _text(row["task_id"])
    place = _text(row["thread_id"]), "", _text(row["checkpoint_id"]), task_id
    return Identity(*place, interrupt_id, answers)


def _with_doubts(row: sqlite3.Row) -> list[Found]:
    found = interrupts(row["type"], row["value"])
    odd = () if found[0].undecodable else doubts(row["type"], row["value"])
    return [replace(one, doubts=odd) for one in found] if odd else found


def _asker(row: sqlite3.Row, interrupt_id: str, leaves: Leaves, nodes: Nodes) -> Leaf:
    """The task behind a row of the root: itself, or one inside its subgraph."""
    node, task_id = node_of(row["task_path"]), row["task_id"]
    answers = _count(row["resume_type"], row["resume_value"])
    own: tuple[str, ...] = (f"{node}:{task_id}",) if node else ()
    if not answers and interrupt_id not in (question_id(place, 0) for place in own):
        for inner in leaves(row["thread_id"]):
            if interrupt_id in inner.ids and inner.within(row["task_path"] or ""):
                return inner
    if answers and not own:
        names = nodes(row["thread_id"], row["checkpoint_id"])
        own = tuple(f"{name}:{task_id}" for name in names)
    place = TaskPlace("", _text(row["checkpoint_id"]), _text(task_id), row["task_path"] or "")
    return Leaf((interrupt_id,), answers, own, _error(row), place)


def leaf(row: sqlite3.Row) -> Leaf:
    ids = tuple(found.id for found in interrupts(row["type"], row["value"]))
    node = node_of(row["task_path"])
    inside = str(row["checkpoint_ns"])
    namespaces = (f"{inside}|{node}:{row['task_id']}",) if node else ()
    answers = _count(row["resume_type"], row["resume_value"])
    where = (inside, _text(row["checkpoint_id"]), _text(row["task_id"]), row["task_path"] or "")
    return Leaf(ids, answers, namespaces, _error(row), TaskPlace(*where), bool(row["ended"]))


def question_id(namespace: str, answers: int) -> str:
    """LangGraph's interrupt id (langgraph/types.py, `_interrupt_id`)."""
    text = f"{namespace}|{answers}" if answers else namespace
    return xxhash.xxh3_128_hexdigest(text.encode())


def ever_asked(row: sqlite3.Row, leaves: Leaves) -> Iterator[Identity]:
    """Every question that a root row proves: those of its own, and those of its subgraph's tasks.

    The row holds the last questions only, so earlier ones are told from the ids they must have had.
    """
    place = (_text(row["thread_id"]), "", _text(row["checkpoint_id"]), _text(row["task_id"]))
    own = _asker(row, "", lambda _thread: [], lambda _thread, _checkpoint: [])
    ids = tuple(found.id for found in interrupts(row["type"], row["value"]))
    found = (one for one in leaves(row["thread_id"]) if not one.at_root)
    within = [one for one in found if one.may_be_in(row["task_id"])]
    for asker in (replace(own, ids=ids), *within):
        for answers in range(asker.answers + 1):
            for interrupt_id in asker.ids:
                yield Identity(*place, interrupt_id, answers)
            for namespace in asker.namespaces:
                yield Identity(*place, question_id(namespace, answers), answers)


def _among(interrupt_id: str, namespace: str, answers: int) -> bool:
    return any(interrupt_id == question_id(namespace, k) for k in range(answers))


def node_of(task_path: Any) -> str | None:
    """The node's name in a task path like `~__pregel_pull, tools`; None for Sends."""
    if not isinstance(task_path, str) or not task_path.startswith(PULL):
        return None
    node = task_path.removeprefix(PULL)
    return None if "," in node else node


def _count(type_: str | None, blob: bytes | None) -> int:
    if type_ is None:
        return 0
    try:
        answers = loads(type_, blob)
    except Undecodable:
        return 1
    return len(answers) if isinstance(answers, list) else 1


def _error(row: sqlite3.Row) -> str | None:
    if row["error_type"] is None:
        return None
    try:
        return str(loads(row["error_type"], row["error_value"]))
    except Undecodable as error:
        return str(error)


def _text(value: Any) -> str:
    """A column that should be text: SQLite holds whatever was put there."""
    return value if isinstance(value, str) else repr(value)
