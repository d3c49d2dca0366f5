"""Commands whose every word, file and setting may be hostile."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from hitloop_tui.attach.session import Session
from hitloop_tui.core.logger import TelemetryLogger
from hitloop_tui.core.models import RunMetadata

Job = tuple[str, list[str]]
"""A folder to be in, and the words after `hitloop-tui`."""

WHOLE = (
    *(["ls"], ["ls", "--json"], ["ls", "--state", "all"], ["ls", "--reveal"], ["trace"]),
    *(["trace", "--json"], ["audit", "export"], ["audit", "verify"], ["audit", "verify", "--json"]),
    *(["doctor"], ["doctor", "--json"]),
)
"""Commands that tell of everything in a file."""
GRAPH = """
from langgraph.graph import START, StateGraph
raise ValueError({text!r})
"""


def can_be_said(text: str) -> bool:
    """Whether a shell could hand it over as a word."""
    try:
        return bool(os.fsencode(text)) and "\0" not in text
    except UnicodeEncodeError:
        return False


def of_a_file(db: Path, *, as_json: bool = True) -> Iterator[Job]:
    """All that can be read of a database, Review by Review."""
    folder = str(db.parent)
    for words in WHOLE:
        yield folder, [*words, "--db", str(db)]
    for id_ in ids(db):
        yield folder, ["show", id_, "--db", str(db)]
        if as_json:
            yield folder, ["show", id_, "--json", "--db", str(db)]


def ids(db: Path) -> list[str]:
    session = Session.open(db)
    try:
        session.inbox.load()
        return [row.key for row in session.inbox.rows()]
    finally:
        session.close()


def with_words(db: Path, texts: Sequence[str], *, every: bool) -> Iterator[Job]:
    """Hostile words where a person may put any; `every` command for each text, or by turns."""
    reviews = itertools.cycle(ids(db))
    for number, text in enumerate(filter(can_be_said, texts)):
        made = [[*words, "--db", str(db)] for words in _with_word(next(reviews), text)]
        made += _without_a_file(text)
        picked = made if every else made[number % 8 :: 8]
        yield from ((str(db.parent), words) for words in picked)


def _with_word(id_: str, text: str) -> Iterator[list[str]]:
    yield from (["show", text], ["ls", "--thread", text], ["ls", "--tool", text])
    yield from (["trace", "--thread", text], ["ls", "--state", text], ["ls", f"--{text}"])
    for command in ("approve", "reject", "ignore", "undo", "retry", "clear", "done", "dismiss"):
        yield [command, text, id_, "--as", "ann"]
        yield [command, id_, "--as", text]
    yield from (["claim", id_, "--as", text], ["release", id_, "--as", text])
    yield from (["claim", id_, "--for", text], ["approve", id_, "--action", text])
    yield from (["reject", id_, "--reason", text], ["respond", id_, "--text", text])
    yield from (["edit", id_, "--args", text], ["edit", id_, "--args", json.dumps({text: text})])
    yield from (["respond", id_, "--value", text], ["respond", id_, "--value", json.dumps([text])])
    yield from (
        ["approve", id_, "--reason", text, "--sign", text],
        ["audit", "verify", "--anchor", text],
    )
    yield from (["audit", "export", "--allowed-signers", text], ["doctor", "--graph", text])
    yield from (
        ["ls", "--ledger", text],
        ["trace", "--telemetry", text],
        ["worker", "--once", "--graph", text],
    )
    yield from (["worker", "--once", "--graph", f"{text}=x.py:graph"], ["worker", "--config", text])


def _without_a_file(text: str) -> Iterator[list[str]]:
    yield from (
        ["ls", text],
        ["ls", "--db", text],
        ["trace", text],
        ["doctor", text],
        ["worker", text],
    )
    yield from (
        ["policy", "check", text],
        ["experiment", "report", text],
        ["audit", text, "verify"],
    )
    yield from (["policy", text], ["experiment", "run", "--out", "/dev/null/x", "--scenario", text])
    yield from (["policy", "check", os.devnull, "--action", text], ["audit", text])
    yield ["policy", "check", os.devnull, "--action", json.dumps({"tool_name": text, text: text})]
    yield ["policy", "check", os.devnull, "--action", json.dumps({"tool_name": text})]
    yield ["experiment", "run", "--out", f"/dev/null/{text}", "--n-trials", "1"]


def with_files(folder: Path, texts: Sequence[str]) -> Iterator[Job]:
    """A folder for each text, where every file that a person may write holds it."""
    for number, text in enumerate(texts):
        place = folder / f"t{number}"
        place.mkdir(parents=True)
        yield from ((str(place), words) for words in _files(place, text))
        yield from _settings(place, text)


def _files(place: Path, text: str) -> Iterator[list[str]]:
    said = json.dumps(text)
    yield from _policies(place, said)
    _write(place / "langgraph.json", f'{{"graphs": {{{said}: "./graph.py:graph"}}}}')
    _write(
        place / "paths.json",
        f'{{"graphs": {{"a": {said}}}, "env": {said}, "dependencies": [{said}]}}',
    )
    _write(place / "env.json", '{"graphs": {"a": "./graph.py:graph"}, "env": ".env"}')
    _write(place / "broken.json", text)
    _write(place / ".env", f"A={text}\n{text}\n")
    (place / "graph.py").write_text(GRAPH.format(text=text))
    for name in ("langgraph.json", "paths.json", "env.json", "broken.json"):
        yield ["doctor", "--config", name]
        yield ["worker", "--once", "--config", name, "--db", "graph.py"]
    with TelemetryLogger(place / "experiment.db") as logger:
        run = RunMetadata(run_id=text or "run", scenario_id=text, condition_id=text)
        logger.log_run_start(run)
    yield from (["experiment", "report", "."], ["experiment", "report", ".", "--json"])
    yield ["trace", "--telemetry", "experiment.db", "--db", "experiment.db"]


def _settings(place: Path, text: str) -> Iterator[Job]:
    said = json.dumps(text)
    for number, settings in enumerate(
        (
            f"{said} = 1",
            f"db = {said}",
            f"[graphs]\n{said} = {said}",
            f"[hold]\n{said} = {said}",
            f"[mask]\nkeys = [{said}]\n{said} = 1",
            f"[sign]\nkey = {said}",
            text,
        )
    ):
        inner = place / f"settings{number}"
        inner.mkdir()
        _write(inner / "hitloop.toml", settings)
        yield from ((str(inner), words) for words in (["doctor"], ["ls"]))


def _policies(place: Path, said: str) -> Iterator[list[str]]:
    action = json.dumps(
        {"tool_name": json.loads(said), "tool_args": {json.loads(said): json.loads(said)}}
    )
    rule = f"[[rule]]\nname = {said}\nreason = {said}\nverdict = "
    for number, policy in enumerate(
        (
            f'{rule}"ask"\ntool = {said}\nargs = {{ {said} = {said} }}\n',
            f'{rule}"ask"\n[[rule]]\nname = {said}\nverdict = {said}\n{said} = 1\n',
            f"{said} = {said}\n",
            json.loads(said),
        )
    ):
        _write(place / f"{number}.toml", policy)
        yield ["policy", "check", f"{number}.toml"]
        yield ["policy", "check", f"{number}.toml", "--json"]
        yield ["policy", "check", f"{number}.toml", "--action", action]


def _write(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
