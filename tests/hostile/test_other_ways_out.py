"""What else a person or a program is shown: the agent's own terminal, the clipboard, the worker's
log, messages to other services, pictures of the screen."""

from __future__ import annotations

import base64
import json
import re
import sys
import xml.etree.ElementTree as xml
from pathlib import Path

import pytest

from hitloop_tui.backends.card import GUTTER, MORE
from hitloop_tui.backends.http_webhook import message
from hitloop_tui.core.plain_json import json_text
from hitloop_tui.safetext import hidden_characters
from tests.e2e.terminal import terminal
from tests.hostile import worker_graph
from tests.hostile.ansi import foreign, tokens
from tests.hostile.corpora import every, sample
from tests.hostile.driving import HITLOOP, screen
from tests.hostile.files import build, request
from tests.pilot.console import WIDE, console
from tests.pilot.questions import ask, gate

FEW = 6
ASKING = """
import asyncio, sys
from hitloop_tui.backends import CLIBackend
from tests.hostile.corpora import sample
from tests.hostile.files import request
async def ask_all():
    backend = CLIBackend(input_func=lambda: "n")
    for text in sample({few}):
        print("@@")
        print((await backend.request_approval(request(text))).approved)
asyncio.run(ask_all())
"""
OURS = re.compile(
    r"=+|APPROVAL REQUEST|(Run|Action|Tool|Policy|Risk|Arguments hash|Arguments)\b.*|! .*|"
    r"(Side effects|Rationale), says the agent:|It refers to:|Context:|Needs 2 people\. .*|"
    r"Approve this action\? .*|Reason \(optional, .*|False|"
)


def test_the_prompt_on_the_agents_own_terminal() -> None:
    with screen([sys.executable, "-c", ASKING.format(few=FEW)], 80, 50, {}) as shell:
        assert shell.end() == 0
    said = bytes(shell.raw)
    assert foreign(tokens(said)) == []
    asked = said.decode().replace("\r\n", "\n").split("@@\n")[1:]
    assert len(asked) == len(sample(FEW))
    for words in asked:
        lines = [line for line in words.split("\n") if not line.startswith((GUTTER, MORE))]
        assert [line for line in lines if not OURS.fullmatch(line)] == []
        assert sum(line.startswith("Risk: ") for line in lines) == 1
        assert sum(line == "=" * 60 for line in lines) == 2


def test_only_the_clipboard_gets_what_is_copied(tmp_path: Path) -> None:
    """In OSC 52, and in ASCII: a paste into a shell steers nothing either."""
    args = {"a\x1b]52;c;ZXZpbA==\x07": "b\x7f\x9b2J\u202e\n", "c": ["\x00", "\U0001f60d"]}
    db = tmp_path / "agents.db"
    ask(db, {"t": gate("copy", args, "low")})
    command = [*HITLOOP, str(db), "--as", "ann"]
    with terminal(command, 120, 40, {"XDG_STATE_HOME": str(tmp_path)}) as at:
        at.wait_for("copy")
        for key in "yY":
            at.press(key)
            at.wait_for("characters copied")
            at.press("j")
        at.press("q")
        assert at.wait_end() == 0
    found = [token for token in tokens(at.raw) if token.body.startswith("52;c;")]
    id_, copied = (base64.b64decode(token.body[5:]).decode() for token in found)
    assert json.loads(copied) == args
    assert copied.isascii()
    assert copied.isprintable()
    assert foreign(tokens(at.raw), clipboard=[id_, copied]) == []
    assert {token.kind for token in foreign(tokens(at.raw))} == {"OSC"}


def test_a_background_workers_log_can_be_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    db = tmp_path / "agents.db"
    texts = sample(FEW)
    worker_graph.build(db, texts)
    command = [*HITLOOP, "worker", str(db), "--once", "--graph", worker_graph.REF]
    with screen(command, 120, 40, {}) as worker:
        assert worker.end() == 1
    assert foreign(tokens(bytes(worker.raw))) == []
    told = bytes(worker.raw).decode().replace("\r\n", "\n")
    own = re.compile(r"20\d\d-\d\d-\d\d [\d:,]+ (INFO|WARNING|ERROR) (worker|thread) .*|  \| .*|")
    assert [line for line in told.split("\n") if not own.fullmatch(line)] == []
    assert told.count("raised ValueError") >= FEW


@pytest.mark.parametrize("part", range(2))
def test_other_services_get_the_very_values(part: int) -> None:
    for text in every()[part::2]:
        asked = request(text)
        sent = json_text(message(asked, "id", "https://here.example/id"))
        assert sent.isascii()
        found = json.loads(sent)
        for name in ("tool_name", "tool_args", "rationale", "side_effects", "context_refs"):
            # As JSON: two halves of a surrogate pair are one character there.
            assert json.dumps(found["action"][name]) == json.dumps(getattr(asked.action, name))


@pytest.fixture
def db(tmp_path: Path) -> Path:
    path = tmp_path / "agents.db"
    build(path, sample(2))
    return path


async def test_a_picture_of_the_screen_is_a_picture(db: Path) -> None:
    async with console(db, WIDE) as at:
        for _ in range(8):
            picture = at.app.export_screenshot()
            assert hidden_characters(picture.replace("\xa0", " ")) == []
            names = {element.tag.rpartition("}")[2] for element in xml.fromstring(picture).iter()}
            assert names <= {"svg", "style", "defs", "clipPath", "rect", "g", "text", "circle"}
            await at.press("j")
