"""Gates that take only signed answers, in real graphs, with keys that ssh-keygen made."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command

from hitloop_tui.core.interfaces import HITLPolicy, PolicyVerdict
from hitloop_tui.core.models import Action
from hitloop_tui.errors import ConfigError
from hitloop_tui.langgraph import create_interrupt_gate_node, hitl_action, memory
from tests.signers import Signer, allowed, needs_ssh, signer
from tests.unit.gate_desk import (
    ARGS,
    DIGEST,
    EDITED,
    GateState,
    Mailbox,
    Thread,
    builder,
    opened,
    strict,
)

pytestmark = needs_ssh
CALL = ("send_email", ARGS)


class Ask(HITLPolicy):
    name = "ask"

    def __init__(self, people: int = 1) -> None:
        self.people = people

    def should_request_approval(self, action: Action, state: dict[str, Any]) -> tuple[bool, str]:
        return True, "because"

    def verdict(self, action: Action, state: dict[str, Any]) -> PolicyVerdict:
        return PolicyVerdict("ask", "because", self.people)


@pytest.fixture(scope="module")
def people(tmp_path_factory) -> dict[str, Signer]:
    folder = tmp_path_factory.mktemp("keys")
    return {name: signer(folder, name) for name in ("ann", "bob", "eve")}


@pytest.fixture
def ann(people) -> Signer:
    return people["ann"]


@pytest.fixture
def bob(people) -> Signer:
    return people["bob"]


@pytest.fixture
def signers(tmp_path, ann, bob) -> Path:
    return allowed(tmp_path, ann, bob)


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


async def detail(thread: Thread) -> dict[str, Any]:
    return (await thread.open()).value[0]["hitloop"]


async def test_a_signed_answer_counts(mailbox, tmp_path, ann, signers):
    async with opened(builder(mailbox, Ask(), allowed_signers=signers), tmp_path) as thread:
        await thread.start()
        assert (await detail(thread))["signed"] is True
        await thread.answer(ann.answer(await thread.open(), CALL, digest=DIGEST))
    assert mailbox.calls == [ARGS]


async def test_an_edit_and_a_refusal_are_signed_too(mailbox, tmp_path, ann, signers):
    async with opened(builder(mailbox, Ask(), allowed_signers=signers), tmp_path) as thread:
        await thread.start()
        await thread.answer(ann.answer(await thread.open(), CALL, edited_args=EDITED))
    assert mailbox.calls == [EDITED]
    async with opened(builder(mailbox, Ask(), allowed_signers=signers), tmp_path) as thread:
        await Thread(thread.graph, "u").start()
        second = Thread(thread.graph, "u")
        said = ann.answer(await second.open(), CALL, "u", approved=False, reason="no")
        result = await second.answer(said)
    assert result["approval_decision"]["approved"] is False
    assert mailbox.calls == [EDITED]


FORGERIES = {
    "a yes": lambda good, ann, eve: True,
    "no signature": lambda good, ann, eve: {k: v for k, v in good.items() if k != "signature"},
    "another spelling": lambda good, ann, eve: [{"type": "accept", "args": None}],
    "in a list": lambda good, ann, eve: [good],
    "garbage": lambda good, ann, eve: {**good, "signature": "-----BEGIN SSH SIGNATURE-----\nAA"},
    "no text": lambda good, ann, eve: {**good, "signature": {"a": 1}},
    "another person": lambda good, ann, eve: {**good, "decided_by": "human:bob"},
    "nobody": lambda good, ann, eve: {**good, "decided_by": "human:"},
    "no person": lambda good, ann, eve: {**good, "decided_by": "system:timeout"},
    "an option": lambda good, ann, eve: {**good, "decided_by": "human:-O\0x"},
    "another time": lambda good, ann, eve: {**good, "decided_at": "2026-11-24T00:00:00+00:00"},
    "another reason": lambda good, ann, eve: {**good, "reason": "because"},
    "an edit put in": lambda good, ann, eve: {**good, "edited_args": EDITED},
    "a no made a yes": lambda good, ann, eve: {**good, "approved": not good["approved"]},
    "odd votes": lambda good, ann, eve: {**good, "votes": 3},
    "odd approvals": lambda good, ann, eve: {**good, "approved_by": 3},
    "an approval without a signature": lambda good, ann, eve: {**good, "approved_by": ["human:x"]},
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
async def test_forged_answers_are_asked_about_again(mailbox, tmp_path, ann, people, signers, forge):
    async with opened(builder(mailbox, Ask(), allowed_signers=signers), tmp_path) as thread:
        await thread.start()
        good = ann.answer(await thread.open(), CALL)
        await thread.answer(forge(good, ann, people["eve"]))
        assert mailbox.calls == []
        assert (await detail(thread))["error"]
        # Not bricked: the next question can be answered.
        await thread.answer(ann.answer(await thread.open(), CALL))
    assert mailbox.calls == [ARGS]


async def test_a_stranger_and_a_stranger_who_takes_a_name(mailbox, tmp_path, people, signers):
    eve = people["eve"]
    async with opened(builder(mailbox, Ask(), allowed_signers=signers), tmp_path) as thread:
        await thread.start()
        for name in ("eve", "ann"):
            await thread.answer(Signer(name, eve.key).answer(await thread.open(), CALL))
            assert f"not signed by {name}" in (await detail(thread))["error"]
    assert mailbox.calls == []


async def test_replays(mailbox, tmp_path, ann, signers):
    """On another thread, at the next question of this one, and about other arguments."""
    async with opened(builder(mailbox, Ask(), allowed_signers=signers), tmp_path) as thread:
        other = Thread(thread.graph, "other")
        await thread.start()
        await other.start()
        good = ann.answer(await thread.open(), CALL)
        await other.answer(good)
        assert "signature was refused" in (await detail(other))["error"]
        await thread.answer(good)
        assert mailbox.calls == [ARGS]
        await thread.start()
        await thread.answer(good)
        assert "signature was refused" in (await detail(thread))["error"]
        question = await thread.open()
        await thread.answer(ann.answer(question, ("send_email", EDITED)))
        await thread.answer(ann.answer(question, CALL))  # the question before
        assert "signature was refused" in (await detail(thread))["error"]
    assert mailbox.calls == [ARGS]


async def test_a_namespace_of_another_program(mailbox, tmp_path, ann, signers, monkeypatch):
    async with opened(builder(mailbox, Ask(), allowed_signers=signers), tmp_path) as thread:
        await thread.start()
        with monkeypatch.context() as patched:
            patched.setattr("hitloop_tui.core.signature.NAMESPACE", "git")
            said = ann.answer(await thread.open(), CALL)
        await thread.answer(said)
        assert "signature was refused" in (await detail(thread))["error"]
    assert mailbox.calls == []


async def test_people_who_left_the_list(mailbox, tmp_path, ann, bob, signers):
    async with opened(builder(mailbox, Ask(), allowed_signers=signers), tmp_path) as thread:
        await thread.start()
        signers.write_text(bob.allowed)
        await thread.answer(ann.answer(await thread.open(), CALL))
        signers.unlink()
        await thread.answer(bob.answer(await thread.open(), CALL))
        assert "cannot be read" in (await detail(thread))["error"]
        signers.write_text(bob.allowed)
        await thread.answer(bob.answer(await thread.open(), CALL))
    assert mailbox.calls == [ARGS]


def test_a_list_that_is_not_there_is_told_when_the_gate_is_made(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        create_interrupt_gate_node(Ask(), allowed_signers=tmp_path / "none")
    with pytest.raises(ConfigError, match="cannot be read"):
        hitl_action(allowed_signers=tmp_path / "none")


class TestSeveral:
    @pytest.fixture
    def graph(self, mailbox, signers):
        return builder(mailbox, Ask(people=2), allowed_signers=signers)

    async def test_one_after_the_other(self, graph, mailbox, tmp_path, ann, bob):
        async with opened(graph, tmp_path) as thread:
            await thread.start()
            await thread.answer(ann.answer(await thread.open(), CALL))
            assert (await detail(thread))["approvals"] == ["human:ann"]
            await thread.answer(ann.answer(await thread.open(), CALL))
            assert "has approved already" in (await detail(thread))["error"]
            assert mailbox.calls == []
            result = await thread.answer(bob.answer(await thread.open(), CALL))
        assert mailbox.calls == [ARGS]
        assert result["approval_decision"]["approvals"] == ["human:ann", "human:bob"]

    async def test_in_one_answer(self, graph, mailbox, tmp_path, ann, bob):
        async with opened(graph, tmp_path) as thread:
            await thread.start()
            question = await thread.open()
            said = bob.answer(question, CALL)
            both = {"approved_by": ["human:ann", "human:bob"]}
            await thread.answer({**said, **both})
            assert "human:ann approved, who did not sign" in (await detail(thread))["error"]
            question = await thread.open()
            votes = [ann.answer(question, CALL)]
            await thread.answer({**bob.answer(question, CALL), **both, "votes": votes})
        assert mailbox.calls == [ARGS]

    async def test_a_vote_for_something_else(self, graph, mailbox, tmp_path, ann, bob):
        async with opened(graph, tmp_path) as thread:
            await thread.start()
            both = {"approved_by": ["human:ann", "human:bob"]}
            for other in ({"approved": False}, {"edited_args": EDITED}):
                question = await thread.open()
                votes = [ann.answer(question, CALL, **other)]
                await thread.answer({**bob.answer(question, CALL), **both, "votes": votes})
                assert "do not say the same" in (await detail(thread))["error"]
            question = await thread.open()
            votes = [{**ann.answer(question, CALL), "decided_by": "human:bob"}]
            await thread.answer({**bob.answer(question, CALL), **both, "votes": votes})
            assert "signature was refused" in (await detail(thread))["error"]
        assert mailbox.calls == []

    async def test_one_key_is_one_person(self, graph, mailbox, tmp_path, ann, signers):
        signers.write_text(f"* {ann.allowed.split(' ', 1)[1]}")
        both = {"approved_by": ["human:ann", "human:zoe"]}
        zoe = Signer("zoe", ann.key)
        async with opened(graph, tmp_path) as thread:
            await thread.start()
            question = await thread.open()
            votes = [zoe.answer(question, CALL)]
            await thread.answer({**ann.answer(question, CALL), **both, "votes": votes})
            assert "a key of their own" in (await detail(thread))["error"]
            await thread.answer(ann.answer(await thread.open(), CALL))
            await thread.answer(zoe.answer(await thread.open(), CALL))
            assert "a key of their own" in (await detail(thread))["error"]
        assert mailbox.calls == []

    async def test_a_signed_no_is_enough(self, graph, mailbox, tmp_path, ann, bob):
        async with opened(graph, tmp_path) as thread:
            await thread.start()
            await thread.answer(ann.answer(await thread.open(), CALL))
            result = await thread.answer(bob.answer(await thread.open(), CALL, approved=False))
        assert result["approval_decision"]["approved"] is False
        assert mailbox.calls == []


@pytest.fixture
def bank(signers) -> Any:
    """A graph whose one node pays through a guarded tool; `paid` has what was paid, and while
    `fails` is set the tool raises after it has paid."""

    @hitl_action(allowed_signers=signers)
    def pay(amount: int) -> str:
        graph.paid.append(amount)
        if graph.fails:
            raise ValueError("the bank said no")
        return "paid"

    graph: Any = StateGraph(GateState)
    graph.paid, graph.fails = [], False
    graph.add_node("pay", lambda _: {"tool_result": pay(amount=5)})
    graph.add_edge(START, "pay")
    return graph


async def test_a_tool_that_failed_runs_again_with_the_same_signature(bank, tmp_path, ann):
    async with opened(bank, tmp_path) as thread:
        await thread.graph.ainvoke({}, thread.config)
        bank.fails = True
        with pytest.raises(ValueError, match="bank"):
            await thread.answer(ann.answer(await thread.open(), ("pay", {"amount": 5})))
        bank.fails = False
        result = await thread.graph.ainvoke(None, thread.config)
    assert (result["tool_result"], bank.paid) == ("paid", [5, 5])


async def test_an_approval_that_somebody_wrote_into_the_checkpoint(bank, tmp_path):
    """A guarded tool keeps what was approved there, for its next execution."""
    async with opened(bank, tmp_path) as thread:
        await thread.graph.ainvoke({}, thread.config)
        action = (await detail(thread))["action"]["id"]
        state = await thread.graph.aget_state(thread.config)
        row = str(uuid.uuid5(memory.NAMESPACE, f"{state.tasks[0].id}/{action}/approval"))
        forged = {"value": {"amount": 1_000_000}, "answers": [], "drawn": 0}
        saver = thread.graph.checkpointer
        await saver.aput_writes(state.config, [(memory.CHANNEL, forged)], row)
        await thread.graph.ainvoke(None, thread.config)
        assert (await detail(thread))["signed"] is True
    assert bank.paid == []


async def test_two_calls_of_a_guarded_tool_alike(tmp_path, ann, signers):
    """An answer to the first is none to the second, though thread, node and arguments agree."""

    @hitl_action(allowed_signers=signers)
    def pay(amount: int) -> str:
        return "paid"

    def twice(state: dict[str, Any]) -> dict[str, Any]:
        return {"tool_result": [pay(amount=5), pay(amount=5)]}

    graph = StateGraph(GateState).add_node("twice", twice).add_edge(START, "twice")
    inner = graph.add_edge("twice", END).compile()
    outer = StateGraph(GateState).add_node("sub", inner).add_edge(START, "sub")
    call = ("pay", {"amount": 5})
    async with AsyncSqliteSaver.from_conn_string(str(tmp_path / "agents.db")) as saver:
        for number, compiled in enumerate((graph.compile(saver), outer.compile(saver))):
            thread = Thread(compiled, f"t{number}")
            await compiled.ainvoke({}, thread.config)
            first = ann.answer(await thread.open(), call, f"t{number}")
            await thread.answer(first)
            await thread.answer(first)
            assert "signature was refused" in (await detail(thread))["error"]
            result = await thread.answer(ann.answer(await thread.open(), call, f"t{number}"))
            assert result["tool_result"] == ["paid", "paid"]


@pytest.mark.parametrize(
    ("on_deadline", "late"), [("reject", True), ("reject", False), ("leave", True)]
)
async def test_nobodys_no_counts_once_the_gate_itself_sees_the_deadline_passed(
    mailbox, tmp_path, ann, signers, on_deadline, late
):
    deadline = timedelta(milliseconds=1) if late else timedelta(hours=1)
    gate = {"allowed_signers": signers, "deadline": deadline, "on_deadline": on_deadline}
    nobody = {"approved": False, "decided_by": "system:timeout", "reason": "nobody answered"}
    async with opened(builder(mailbox, Ask(), **gate), tmp_path) as thread:
        await thread.start()
        await asyncio.sleep(0.005)
        await thread.answer({**nobody, "approved": True})
        assert (await detail(thread))["error"]
        result = await thread.answer(nobody)
        if late and on_deadline == "reject":
            assert result["approval_decision"]["decided_by"] == "system:timeout"
        else:
            assert "only people can sign" in (await detail(thread))["error"]
    assert mailbox.calls == []


async def test_a_plain_resume_counts_when_it_is_signed(mailbox, tmp_path, ann, signers):
    async with opened(builder(mailbox, Ask(), allowed_signers=signers), tmp_path) as thread:
        await thread.start()
        said = ann.answer(await thread.open(), CALL)
        await thread.graph.ainvoke(Command(resume=True), strict())
        assert mailbox.calls == []
        await thread.graph.ainvoke(Command(resume=said), strict())
        assert mailbox.calls == []  # it was for the question before
        said = ann.answer(await thread.open(), CALL)
        await thread.graph.ainvoke(Command(resume=said), strict())
    assert mailbox.calls == [ARGS]
