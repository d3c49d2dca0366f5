"""Gates that take the signed answers of several people."""

from __future__ import annotations

import pytest

from tests.signers import Signer, needs_ssh
from tests.unit.gate_desk import ARGS, CALL, EDITED, Ask, builder, opened

pytestmark = needs_ssh


@pytest.fixture
def graph(mailbox, signers):
    return builder(mailbox, Ask(people=2), allowed_signers=signers)


async def test_one_after_the_other(graph, mailbox, tmp_path, ann, bob):
    async with opened(graph, tmp_path) as thread:
        await thread.start()
        await thread.answer(ann.answer(await thread.open(), CALL))
        assert (await thread.detail())["approvals"] == ["human:ann"]
        await thread.answer(ann.answer(await thread.open(), CALL))
        assert "has approved already" in (await thread.detail())["error"]
        assert mailbox.calls == []
        result = await thread.answer(bob.answer(await thread.open(), CALL))
    assert mailbox.calls == [ARGS]
    assert result["approval_decision"]["approvals"] == ["human:ann", "human:bob"]


async def test_in_one_answer(graph, mailbox, tmp_path, ann, bob):
    async with opened(graph, tmp_path) as thread:
        await thread.start()
        question = await thread.open()
        said = bob.answer(question, CALL)
        both = {"approved_by": ["human:ann", "human:bob"]}
        await thread.answer({**said, **both})
        assert "human:ann approved, who did not sign" in (await thread.detail())["error"]
        question = await thread.open()
        votes = [ann.answer(question, CALL)]
        await thread.answer({**bob.answer(question, CALL), **both, "votes": votes})
    assert mailbox.calls == [ARGS]


async def test_a_vote_for_something_else(graph, mailbox, tmp_path, ann, bob):
    async with opened(graph, tmp_path) as thread:
        await thread.start()
        both = {"approved_by": ["human:ann", "human:bob"]}
        for other in ({"approved": False}, {"edited_args": EDITED}):
            question = await thread.open()
            votes = [ann.answer(question, CALL, **other)]
            await thread.answer({**bob.answer(question, CALL), **both, "votes": votes})
            assert "do not say the same" in (await thread.detail())["error"]
        question = await thread.open()
        votes = [{**ann.answer(question, CALL), "decided_by": "human:bob"}]
        await thread.answer({**bob.answer(question, CALL), **both, "votes": votes})
        assert "signature was refused" in (await thread.detail())["error"]
    assert mailbox.calls == []


async def test_one_key_is_one_person(graph, mailbox, tmp_path, ann, signers):
    signers.write_text(f"* {ann.allowed.split(' ', 1)[1]}")
    both = {"approved_by": ["human:ann", "human:zoe"]}
    zoe = Signer("zoe", ann.key)
    async with opened(graph, tmp_path) as thread:
        await thread.start()
        question = await thread.open()
        votes = [zoe.answer(question, CALL)]
        await thread.answer({**ann.answer(question, CALL), **both, "votes": votes})
        assert "a key of their own" in (await thread.detail())["error"]
        await thread.answer(ann.answer(await thread.open(), CALL))
        await thread.answer(zoe.answer(await thread.open(), CALL))
        assert "a key of their own" in (await thread.detail())["error"]
    assert mailbox.calls == []


async def test_a_signed_no_is_enough(graph, mailbox, tmp_path, ann, bob):
    async with opened(graph, tmp_path) as thread:
        await thread.start()
        await thread.answer(ann.answer(await thread.open(), CALL))
        result = await thread.answer(bob.answer(await thread.open(), CALL, approved=False))
    assert result["approval_decision"]["approved"] is False
    assert mailbox.calls == []
