"""Rows that run code when a trusting reader takes them, in every column that is read."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import ormsgpack

from hitloop_tui.attach.interrupt_values import interrupts
from hitloop_tui.core.logger import TelemetryLogger
from hitloop_tui.paths import ledger_path, telemetry_path
from tests.pilot import questions
from tests.pilot.stages import decided

MODULE = "evil_module_on_the_path"
CALLS: dict[str, tuple[Any, ...]] = {
    "os-system": (0, "os", "system", "touch {ran}"),
    "eval": (0, "builtins", "eval", "__import__('pathlib').Path('{ran}').touch()"),
    "positional": (1, "subprocess", "call", [["touch", "{ran}"]]),
    "keyword": (2, "subprocess", "run", {"args": ["touch", "{ran}"]}),
    "pydantic-v1": (4, "subprocess", "Popen", {"args": ["touch", "{ran}"]}),
    "pydantic-v2": (5, "subprocess", "Popen", {"args": ["touch", "{ran}"]}, "model_validate"),
    "import": (0, MODULE, "anything", 1),
    "method": (3, "pathlib", "Path", "{ran}", "touch"),
}
NESTED = "nested"
LC = {
    "lc-2": {"lc": 2, "type": "constructor", "id": ["os", "system"], "args": ["touch {ran}"]},
    "lc-1": {"lc": 1, "type": "secret", "id": ["HITLOOP_PAYLOAD"]},
    "lc-1-model": {
        "lc": 1,
        "type": "constructor",
        "id": ["langchain_openai", "chat_models", "base", "ChatOpenAI"],
        "kwargs": {"api_key": "{ran}"},
    },
}
NAMES = (*CALLS, NESTED, *LC, "pickle")
STOCK_RUNS = {name for name in (*CALLS, NESTED) if name != "method"}
"""What langgraph-checkpoint 4.3 runs unless it is told not to."""
WRITES = {"interrupt": -3, "resume": -4, "error": -1, "channel": 0}
"""Columns of `writes`, by the place of their row."""
COLUMNS = (*WRITES, "checkpoint", "metadata")


def threads() -> Iterator[tuple[str, str, str]]:
    """Thread, column and payload."""
    for column in COLUMNS:
        for name in NAMES:
            yield f"{column}-{name}", column, name


def ran(folder: Path, thread: str) -> Path:
    """The file that a thread's payload makes when it runs."""
    return folder / f"ran-{thread}"


def asked(folder: Path) -> Path:
    """A database with those threads, decisions about some, and telemetry; all of it harmless."""
    folder.mkdir(exist_ok=True)
    db = folder / "agents.db"
    questions.ask(db, {thread: "Which colour?" for thread, _, _ in threads()})
    questions.ask(db, {f"ledger-{name}": questions.gate("pay", {}, "low") for name in NAMES})
    for name in NAMES:
        decided(db, f"ledger-{name}")
    with TelemetryLogger(telemetry_path(db)) as logger:
        for name in NAMES:
            logger.log_error("run", name)
    return db


def poisoned(folder: Path) -> Path:
    """The same with one payload in each column."""
    db = asked(folder)
    marker = json.dumps(str(folder / "ran-import"))
    (folder / f"{MODULE}.py").write_text(f"open({marker}, 'w').close()\n")
    with closing(sqlite3.connect(db)) as connection:
        for thread, column, name in threads():
            _poison(connection, thread, column, name, str(ran(folder, thread)))
        connection.commit()
    texts = {name: _text(name, str(ran(folder, f"text-{name}"))) for name in NAMES}
    _poison_ledger(ledger_path(db), texts)
    with closing(sqlite3.connect(telemetry_path(db))) as connection:
        for number, text in enumerate(texts.values(), 1):
            connection.execute("UPDATE trace_events SET payload=? WHERE id=?", (text, number))
        connection.commit()
    return db


def _poison(
    connection: sqlite3.Connection, thread: str, column: str, name: str, place: str
) -> None:
    match column:
        case "interrupt":
            [row] = connection.execute(_INTERRUPT, (thread,))
            [found] = interrupts(*row)
            sql = "UPDATE writes SET type=?, value=? WHERE thread_id=? AND idx=-3"
            connection.execute(sql, (*_interrupt(name, place, found.id), thread))
        case "checkpoint":
            for rowid, value in connection.execute(_CHECKPOINTS, (thread,)).fetchall():
                sql = "UPDATE checkpoints SET type=?, checkpoint=? WHERE rowid=?"
                connection.execute(sql, (*_checkpoint(name, place, value), rowid))
        case "metadata":
            sql = "UPDATE checkpoints SET metadata=? WHERE thread_id=?"
            connection.execute(sql, (_row(name, place)[1], thread))
        case _:
            # Beside the question, which stays as it is.
            channel = {"resume": "__resume__", "error": "__error__"}.get(column, "answer")
            task = "'another'" if column == "channel" else "task_id"
            connection.execute(
                "INSERT INTO writes (thread_id, checkpoint_ns, checkpoint_id, task_id, idx,"
                f" channel, type, value) SELECT thread_id, checkpoint_ns, checkpoint_id, {task},"
                " ?, ?, ?, ? FROM writes WHERE thread_id=? AND idx=-3",
                (WRITES[column], channel, *_row(name, place), thread),
            )


def _poison_ledger(path: Path, texts: dict[str, str]) -> None:
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT name FROM sqlite_master WHERE name GLOB '*_fixed'")
        for (trigger,) in found.fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        for name, text in texts.items():
            where = (text, f"ledger-{name}")
            for column in ("review", "verdicts", "answer", "account"):
                sql = f"UPDATE decisions SET {column}=? WHERE thread_id=?"
                connection.execute(sql, where)
            connection.execute("UPDATE events SET data=? WHERE thread_id=?", where)
        connection.commit()


def _row(name: str, place: str) -> tuple[str, bytes]:
    """Type and value."""
    if name in LC:
        return "json", json.dumps({"q": _filled(LC[name], place)}).encode()
    if name == "pickle":
        return "pickle", f"cposix\nsystem\n(S'touch {place}'\ntR.".encode()
    if name == NESTED:
        return _interrupt("os-system", place)
    return "msgpack", ormsgpack.packb({"q": _call(name, place)})


_INTERRUPT = "SELECT type, value FROM writes WHERE thread_id=? AND idx=-3"


def _interrupt(name: str, place: str, id_: str = "0" * 32) -> tuple[str, bytes]:
    """The value of an interrupt that LangGraph would know again."""
    if name not in CALLS and name != NESTED:
        return _row(name, place)
    call = _call("os-system" if name == NESTED else name, place)
    fields = {"value": {"q": call}, "id": id_}
    return "msgpack", ormsgpack.packb([_ext(2, "langgraph.types", "Interrupt", fields)])


_CHECKPOINTS = "SELECT rowid, checkpoint FROM checkpoints WHERE thread_id=?"


def _checkpoint(name: str, place: str, value: bytes) -> tuple[str, bytes]:
    """A real one, whose state holds the payload, too."""
    if name not in CALLS and name != NESTED:
        return _row(name, place)
    call = _call("os-system" if name == NESTED else name, place)
    kept = ormsgpack.unpackb(value, ext_hook=ormsgpack.Ext, option=ormsgpack.OPT_NON_STR_KEYS)
    kept["channel_values"] |= {"messages": [call], "value": [[call]]}
    return "msgpack", ormsgpack.packb(kept, option=ormsgpack.OPT_NON_STR_KEYS)


def _text(name: str, place: str) -> str:
    """For columns of text, where our own readers expect JSON."""
    if name in LC:
        return json.dumps(_filled(LC[name], place))
    if name in CALLS:
        _, module, what, *arguments = _filled(list(CALLS[name]), place)
        return json.dumps({"__type__": f"{module}.{what}", "value": arguments})
    return _row(name, place)[1].decode("latin-1").replace("\x00", "")


def _call(name: str, place: str) -> ormsgpack.Ext:
    code, *body = CALLS[name]
    return _ext(code, *_filled(body, place))


def _ext(code: int, *body: Any) -> ormsgpack.Ext:
    return ormsgpack.Ext(code, ormsgpack.packb(list(body)))


def _filled(value: Any, place: str) -> Any:
    match value:
        case str():
            return value.replace("{ran}", place)
        case list():
            return [_filled(item, place) for item in value]
        case dict():
            return {key: _filled(item, place) for key, item in value.items()}
    return value
