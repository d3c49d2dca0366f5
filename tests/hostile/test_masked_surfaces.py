"""A password of an agent on every surface: nobody sees it who has not asked."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from hitloop_tui.attach.review import Kind
from hitloop_tui.attach.session import Session
from hitloop_tui.core.logger import TelemetryLogger
from hitloop_tui.core.models import Action, ApprovalRequest
from hitloop_tui.paths import telemetry_path
from tests.e2e.command_line import hitloop, listed
from tests.pilot.console import WIDE, console
from tests.pilot.questions import ask, gate

SECRET = "correct-horse-battery"
ARGS: dict[str, Any] = {"user": "ann", "login": {"db_password": SECRET, "host": "db1"}}
GRAPH = "from tests.pilot.questions import _builder\ngraph = _builder()\n"


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """Questions of several shapes, and telemetry about one."""
    path = tmp_path / "agents.db"
    middleware = {
        "action_requests": [{"name": "login", "args": ARGS, "description": f"Args: {ARGS}"}],
        "review_configs": [{"action_name": "login", "allowed_decisions": ["approve", "edit"]}],
    }
    asked = gate("login", ARGS, "high")
    asked[0]["hitloop"]["action"]["rationale"] = f"it logs in with {SECRET}"
    asked[0]["hitloop"]["policy_reason"] = f"db_password is {SECRET}"
    ask(path, {"gate": asked, "middleware": middleware, "free": {"key": SecretStr(SECRET)}})
    action = Action(
        tool_name="login", tool_args=ARGS, risk_class="high", rationale=f"uses {SECRET}"
    )
    with TelemetryLogger(telemetry_path(path)) as logger:
        logger.log_approval_requested("run", ApprovalRequest(run_id="run", action=action))
    (tmp_path / "asking.py").write_text(GRAPH)
    return path


def test_no_command_shows_it_unasked(db):
    ids = {thread: shown["id"] for thread, shown in listed(db).items()}
    said = [hitloop("ls", db), hitloop("ls", db, "--json"), hitloop("doctor", db)]
    said += [
        hitloop("show", id_, "--db", db, *more)
        for id_ in ids.values()
        for more in ((), ("--json",))
    ]
    said += [hitloop("approve", ids["gate"], "--db", db), hitloop("ls", db, "--state", "all")]
    said += [hitloop("show", ids["gate"], "--db", db, "--json")]
    said += [hitloop("worker", db, "--once", "--graph", "g=asking.py:graph", cwd=db.parent)]
    said += [
        hitloop("ls", db, "--json", "--state", "all"),
        hitloop("show", ids["gate"], "--db", db),
    ]
    said += [hitloop("trace", db), hitloop("trace", db, "--json")]
    assert len(listed(db, "--state", "all")) == 3
    for one in said:
        assert one.code in (0, 3), one.err
        assert SECRET not in one.out + one.err
    assert "applied" in hitloop("ls", db, "--state", "all").out
    for words in (("ls", db, "--json"), ("ls", db), ("show", ids["free"], "--db", db)):
        assert SECRET in hitloop(*words, "--reveal", COLUMNS="300").out


async def test_no_pane_of_the_console_shows_it_unasked(db):
    async with console(db, WIDE, rows=3) as at:
        await at.until(lambda: at.main.trace.display and at.main.trace.row_count > 3)
        for thread in ("gate", "middleware", "free"):
            await at.go_to(thread)
            assert "masked" in at.card
            assert SECRET not in at.card + at.shown
        await at.go_to("gate")
        await at.press("v")
        await at.until(lambda: SECRET in at.card)


def test_a_script_that_edits_what_ls_said_changes_nothing_else(db):
    found = listed(db)["middleware"]
    [action] = found["actions"]
    assert action["masked"] == ["login.db_password"]
    args = {**action["tool_args"], "user": "bob"}
    done = hitloop("edit", found["id"], "--db", db, "--args", json.dumps(args))
    assert done.code == 0, done.err
    with closing(Session.open(db)) as session:
        [record] = session.ledger.records()
    assert record.verdicts[0].kind is Kind.EDIT
    assert record.verdicts[0].args == {**ARGS, "user": "bob"}
    assert SECRET not in hitloop("show", found["id"], "--db", db, "--json").out


def test_a_script_cannot_make_a_value_of_a_mask(db):
    found = listed(db)["middleware"]
    args = json.dumps(found["actions"][0]["tool_args"]).replace("masked 1", "masked 7")
    done = hitloop("edit", found["id"], "--db", db, "--args", args)
    assert done.code == 2
    assert "a part of a mask is left" in done.out


def test_a_refusal_quotes_no_masked_value(db):
    """A schema's error tells the value that it refuses."""
    schema = {"type": "object", "properties": {"token": {"type": "string", "maxLength": 3}}}
    asked = {
        "action_requests": [{"name": "t", "args": {"token": SECRET, "n": 1}, "description": ""}],
        "review_configs": [
            {"action_name": "t", "allowed_decisions": ["edit"], "args_schema": schema}
        ],
    }
    ask(db, {"schema": asked})
    found = listed(db)["schema"]
    args = json.dumps({**found["actions"][0]["tool_args"], "n": 2})
    refused = hitloop("edit", found["id"], "--db", db, "--args", args)
    assert refused.code == 2
    assert "token: '••••' is too long" in refused.out


def test_settings_decide(db):
    (db.parent / "hitloop.toml").write_text('[mask]\ndefaults = false\nkeys = ["*USER*"]\n')
    said = hitloop("ls", "agents.db", "--json", cwd=db.parent)
    [action] = next(one for one in said.json if one["thread_id"] == "gate")["actions"]
    assert action["masked"] == ["user"]
    assert action["tool_args"]["login"] == ARGS["login"]
    assert "ann" not in json.dumps(action["tool_args"])
