"""Steps that raise as often as told, and decisions whose attempt has failed in one."""

from __future__ import annotations

from typing import Any

import pytest
from langgraph.types import Command, interrupt

from hitloop_tui.attach.review import Review
from tests.e2e.worker_desk import Desk
from tests.e2e.worker_graphs import Values, calls, fails


def step(name: str, answer: Any = None) -> None:
    calls.append((name, answer))
    if name in fails:
        fails.remove(name)
        raise ValueError(f"{name} {fails.count(name)}")


def pays(state: Values) -> Values:
    step("pays", interrupt("pay?"))
    return {"log": ["paid"]}


def later(state: Values) -> Values:
    step("later")
    return {}


async def failed(
    desk: Desk, graph: Any, *, times: int = 1, name: str = "pays", given: Any = None
) -> str:
    """A decision whose attempt has failed; its key."""
    fails.extend([name] * times)
    [question] = await desk.ask(graph, "t", given or {})
    key = desk.decide(question, "yes")
    assert await desk.work({"g": graph}) == {"failed": 1}
    return key


async def failed_elsewhere(desk: Desk, graph: Any, name: str, given: Any = None) -> Review:
    """Another program has answered, and then the step `name` has failed."""
    fails.append(name)
    await desk.ask(graph, "t", given or {})
    with pytest.raises(ValueError, match=name):
        await desk.ask(graph, "t", Command(resume="theirs"))
    [question] = desk.source.thread_questions("t")
    return desk.review(question.identity.key)
