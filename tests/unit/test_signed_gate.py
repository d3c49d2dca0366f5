"""Gates that take only signed answers, in real graphs, with keys that ssh-keygen made."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from langgraph.types import Command

from hitloop_tui.errors import ConfigError
from hitloop_tui.langgraph import create_interrupt_gate_node, hitl_action
from tests.signers import Signer, needs_ssh
from tests.unit.gate_desk import ARGS, CALL, DIGEST, EDITED, Ask, Thread, builder, opened, strict

pytestmark = needs_ssh


async def test_a_signed_answer_counts(mailbox, tmp_path, ann, signers):
    async with opened(builder(mailbox, Ask(), allowed_signers=signers), tmp_path) as thread:
        await thread.start()
        assert (await thread.detail())["signed"] is True
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
        assert (await thread.detail())["error"]
        # Not bricked: the next question can be answered.
        await thread.answer(ann.answer(await thread.open(), CALL))
    assert mailbox.calls == [ARGS]


async def test_a_stranger_and_a_stranger_who_takes_a_name(mailbox, tmp_path, people, signers):
    eve = people["eve"]
    async with opened(builder(mailbox, Ask(), allowed_signers=signers), tmp_path) as thread:
        await thread.start()
        for name in ("eve", "ann"):
            await thread.answer(Signer(name, eve.key).answer(await thread.open(), CALL))
            assert f"not signed by {name}" in (await thread.detail())["error"]
    assert mailbox.calls == []


async def test_replays(mailbox, tmp_path, ann, signers):
    """On another thread, at the next question of this one, and about other arguments."""
    async with opened(builder(mailbox, Ask(), allowed_signers=signers), tmp_path) as thread:
        other = Thread(thread.graph, "other")
        await thread.start()
        await other.start()
        good = ann.answer(await thread.open(), CALL)
        await other.answer(good)
        assert "signature was refused" in (await other.detail())["error"]
        await thread.answer(good)
        assert mailbox.calls == [ARGS]
        await thread.start()
        await thread.answer(good)
        assert "signature was refused" in (await thread.detail())["error"]
        question = await thread.open()
        await thread.answer(ann.answer(question, ("send_email", EDITED)))
        await thread.answer(ann.answer(question, CALL))  # the question before
        assert "signature was refused" in (await thread.detail())["error"]
    assert mailbox.calls == [ARGS]


async def test_a_namespace_of_another_program(mailbox, tmp_path, ann, signers, monkeypatch):
    async with opened(builder(mailbox, Ask(), allowed_signers=signers), tmp_path) as thread:
        await thread.start()
        with monkeypatch.context() as patched:
            patched.setattr("hitloop_tui.core.signature.NAMESPACE", "git")
            said = ann.answer(await thread.open(), CALL)
        await thread.answer(said)
        assert "signature was refused" in (await thread.detail())["error"]
    assert mailbox.calls == []


async def test_people_who_left_the_list(mailbox, tmp_path, ann, bob, signers):
    async with opened(builder(mailbox, Ask(), allowed_signers=signers), tmp_path) as thread:
        await thread.start()
        signers.write_text(bob.allowed)
        await thread.answer(ann.answer(await thread.open(), CALL))
        signers.unlink()
        await thread.answer(bob.answer(await thread.open(), CALL))
        assert "cannot be read" in (await thread.detail())["error"]
        signers.write_text(bob.allowed)
        await thread.answer(bob.answer(await thread.open(), CALL))
    assert mailbox.calls == [ARGS]


def test_a_list_that_is_not_there_is_told_when_the_gate_is_made(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        create_interrupt_gate_node(Ask(), allowed_signers=tmp_path / "none")
    with pytest.raises(ConfigError, match="cannot be read"):
        hitl_action(allowed_signers=tmp_path / "none")


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
        assert (await thread.detail())["error"]
        result = await thread.answer(nobody)
        if late and on_deadline == "reject":
            assert result["approval_decision"]["decided_by"] == "system:timeout"
        else:
            assert "only people can sign" in (await thread.detail())["error"]
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
