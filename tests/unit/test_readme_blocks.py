"""Every block of code in README runs, in the order of the page, and shows what it says."""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import os
import re
import shlex
import tomllib
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any, TypedDict

import pytest
from click.testing import CliRunner
from langgraph.graph import END, START, StateGraph

from hitloop_tui.attach.decide import decide
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Kind, Verdict
from hitloop_tui.attach.session import Session
from hitloop_tui.backends.standard_webhooks import sign
from hitloop_tui.cli import hitloop
from hitloop_tui.config import read_settings
from hitloop_tui.core.models import ApprovalRequest
from hitloop_tui.policies.rule_file import read_rules

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SECRET = "whsec_" + "c2VjcmV0" * 4


def blocks(language: str) -> list[str]:
    return [text for kind, text in BLOCK.findall(README) if kind == language]


def block_with(language: str, words: str) -> str:
    (found,) = [text for text in blocks(language) if words in text]
    return found


class State(TypedDict, total=False):
    proposed_action: Any
    approval_decision: Any


@pytest.fixture
def page(tmp_path, monkeypatch) -> dict[str, Any]:
    """What the page takes for granted."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    builder = StateGraph(State)
    builder.add_node("start", lambda state: {})
    builder.add_edge(START, "start")
    sent: asyncio.Queue[tuple[Any, str, str]] = asyncio.Queue()

    async def send_to_slack(request: Any, callback_id: str, callback_url: str) -> None:
        await sent.put((request, callback_id, callback_url))

    return {
        "END": END,
        "builder": builder,
        "inputs": {},
        "os": os,
        "refund": lambda **args: args,
        "send_to_slack": send_to_slack,
        "sent": sent,
    }


async def run(block: str, page: dict[str, Any]) -> None:
    code = compile(block, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    done = eval(code, page)
    if inspect.iscoroutine(done):
        await done


def shown_in(block: str) -> Iterator[str]:
    """What a comment below a `print` says that it prints."""
    lines = block.splitlines()
    for before, line in pairwise(lines):
        if before.startswith("print(") and line.startswith("# "):
            yield line.removeprefix("# ")


async def test_python(page, capsys):
    for block in blocks("python"):
        await run(block, page)
        assert capsys.readouterr().out.splitlines() == list(shown_in(block))
    figures = page["runner"].get_summary()["conditions"].values()
    assert [one["n_trials"] for one in figures] == [20] * 4
    assert sorted(os.listdir("results")) == ["results.csv", "summary.json"]


async def until_run(page: dict[str, Any], words: str) -> None:
    """All blocks up to the one with these words."""
    block_with("python", words)
    for block in blocks("python"):
        await run(block, page)
        if words in block:
            return


async def test_the_question_of_the_page_is_answered_in_the_console(page):
    await until_run(page, "async def approved")
    asking = asyncio.create_task(page["approved"](page["refund_action"]))
    with closing(Session.open(Path("agents.db"))) as session:
        while not session.inbox.rows():
            await asyncio.sleep(0.01)
            session.inbox.refresh()
        review = session.inbox.review(session.inbox.rows()[0].key)
        assert review.actions[0].tool_args == {"order": "A-17", "amount": "250.00"}
        decide(session.inbox, review, {0: Verdict(Kind.APPROVE)}, Person("ann", {}))
        assert await asking


async def test_the_callback_of_the_page_is_verified_and_counts(page):
    await until_run(page, "async def on_callback")
    backend = page["backend"]
    request = ApprovalRequest(run_id="r", action=page["refund_action"])
    asking = asyncio.create_task(backend.request_approval(request))
    _, callback_id, _ = await page["sent"].get()
    body = json.dumps({"callback_id": callback_id, "approved": True, "user": "ann"}).encode()
    assert (await page["on_callback"]({}, body))[0] == 401
    assert (await page["on_callback"](sign(SECRET, "m-1", body), body))[0] == 200
    assert (await asking).approved
    await backend.close()


def test_policy_file_and_what_the_check_says(page):
    Path("policy.toml").write_text(block_with("toml", "[[rule]]"))
    assert len(read_rules(Path("policy.toml"))) == 3
    words = shlex.split(block_with("sh", "policy check").replace("\\\n", ""))
    done = CliRunner().invoke(hitloop, words[1:])
    assert done.output == block_with("text", "rule 1 (in house)")


def test_settings(page):
    Path("hitloop.toml").write_text(block_with("toml", "[graphs]"))
    settings = read_settings()
    assert (settings.db, list(settings.graphs)) == (Path.cwd() / "agents.db", ["orders"])


def test_extras():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    install = block_with("sh", "pip install '.[server")
    named = set(re.findall(r"\w+", install.partition("[")[2]))
    assert named == project["optional-dependencies"].keys() - {"dev", "test"}


def test_every_block_is_tested():
    assert {kind for kind, _ in BLOCK.findall(README)} == {"python", "sh", "toml", "text"}
    assert len(blocks("toml")) == 2
    assert len(blocks("text")) == 1
