"""Decisions signed by real keys, from the command line to the gate in the agent's process."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hitloop_tui.attach import journal, shapes
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Kind, Review, Verdict
from hitloop_tui.attach.session import Session
from tests.e2e import cli_graphs
from tests.e2e.command_line import decisions, hitloop, recorded
from tests.e2e.pay_desk import PayDesk
from tests.signers import Signer, allowed, needs_ssh

pytestmark = needs_ssh
BATCH = {
    "action_requests": [{"name": "send", "args": {"n": n}} for n in range(3)],
    "review_configs": [{"allowed_decisions": ["approve", "reject"]}] * 3,
}


@pytest.fixture
def signers(pay, tmp_path, people, monkeypatch) -> Path:
    path = allowed(tmp_path, people["ann"], people["bob"])
    monkeypatch.setenv("ALLOWED_SIGNERS", str(path))
    return path


@pytest.fixture
def asked(pay, signers) -> str:
    return pay.ask(graph=cli_graphs.signed())


def say(
    verdict: str, id_: str, who: Signer, *options: Any, **env: str
) -> tuple[int, dict[str, Any]]:
    code, [outcome] = decisions(verdict, id_, "--as", who.name, "--sign", who.key, *options, **env)
    return code, outcome


def verified(pay: PayDesk, signers: Path) -> tuple[int, list[str]]:
    result = hitloop("audit", pay.db, "verify", "--json", "--allowed-signers", signers)
    return result.code, [fault["text"] for fault in result.json["faults"]]


def test_from_the_key_to_the_tool(pay, asked, signers, people):
    assert pay.shown()["signed"] is True
    assert "only signed answers" in hitloop("show", asked).out
    code, outcome = say("approve", asked, people["ann"])
    assert (code, outcome["outcome"]) == (0, "recorded")
    assert pay.apply("signed").code == 0
    assert pay.paid == [1]
    assert verified(pay, signers) == (0, [])
    [line] = exported(pay, "--allowed-signers", signers)
    assert line["signature_check"] == "good"
    assert line["signature"].startswith("-----BEGIN SSH SIGNATURE-----")
    assert exported(pay)[0]["signature_check"] == "not checked"
    assert "1 of 1 decisions are signed; checked" in (
        hitloop("audit", pay.db, "verify", "--allowed-signers", signers).out
    )


def exported(pay: PayDesk, *options: Any) -> list[dict[str, Any]]:
    lines = map(json.loads, hitloop("audit", pay.db, "export", *options).out.splitlines())
    return [line for line in lines if line["kind"] == "decision"]


def test_an_edit_and_a_no(pay, asked, signers, people):
    say("edit", asked, people["bob"], "--args", '{"amount": 7}')
    assert pay.apply("signed").code == 0
    assert pay.paid == [7]
    other = pay.ask("u", graph=cli_graphs.signed())
    say("reject", other, people["ann"], "--reason", "nö\n\u202e")
    assert pay.apply("signed").code == 0
    assert pay.paid == [7]
    assert verified(pay, signers) == (0, [])


def test_without_a_key_nothing_is_recorded(pay, asked):
    code, [outcome] = decisions("approve", asked)
    assert (code, outcome["outcome"]) == (2, "invalid")
    assert "--sign KEY" in outcome["detail"]
    assert recorded(pay.db) == []
    result = hitloop("approve", asked, "--sign", pay.folder / "no-key")
    assert (result.code, "there is no ssh key" in result.err) == (2, True)


def test_ways_to_name_the_key(pay, asked, people, tmp_path):
    shutil.copy(people["ann"].key, tmp_path / "key")
    shutil.copy(f"{people['ann'].key}.pub", tmp_path / "key.pub")
    (tmp_path / "hitloop.toml").write_text('[sign]\nkey = "key"\n')
    assert decisions("approve", asked, "--as", "ann", cwd=tmp_path)[0] == 0
    other = pay.ask("u", graph=cli_graphs.signed())
    env = {"HITLOOP_SIGN_KEY": str(people["bob"].key)}
    assert decisions("approve", other, "--as", "bob", cwd=tmp_path, **env)[0] == 0
    pay.apply("signed")
    assert pay.paid == [1, 1]


class TestAgent:
    @pytest.fixture
    def agent(self, tmp_path) -> Iterator[dict[str, str]]:
        socket = tmp_path / "agent"
        process = subprocess.Popen(
            ["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL
        )
        while not socket.exists():
            assert process.poll() is None
        yield {"SSH_AUTH_SOCK": str(socket)}
        process.terminate()
        process.wait()

    def test_a_key_that_only_the_agent_has(self, pay, asked, people, agent, tmp_path):
        key = shutil.copy(people["ann"].key, tmp_path / "key")
        shutil.copy(f"{people['ann'].key}.pub", tmp_path / "key.pub")
        environment = {**os.environ, **agent}
        subprocess.run(
            ["ssh-add", "-q", key], check=True, env=environment, stdin=subprocess.DEVNULL
        )
        Path(key).unlink()
        for named in (key, f"{key}.pub"):
            id_ = pay.ask(f"t{named}", graph=cli_graphs.signed())
            assert decisions("approve", id_, "--as", "ann", "--sign", named, **agent)[0] == 0
        pay.apply("signed")
        assert pay.paid == [1, 1]
        code, [outcome] = decisions("approve", asked, "--as", "ann", "--sign", key)
        assert (code, outcome["outcome"]) == (1, "failed")
        assert "ssh-add" in outcome["detail"]

    def test_a_passphrase_is_not_asked_for(self, pay, asked, people, tmp_path):
        key = Path(shutil.copy(people["ann"].key, tmp_path / "locked"))
        change = ["ssh-keygen", "-q", "-p", "-N", "secret", "-f", str(key)]
        subprocess.run(change, check=True, stdin=subprocess.DEVNULL, capture_output=True)
        code, [outcome] = decisions("approve", asked, "--as", "ann", "--sign", key)
        assert (code, outcome["outcome"]) == (1, "failed")
        assert "ssh-add" in outcome["detail"]
        assert recorded(pay.db) == []


class TestRefusedByTheGate:
    """The console does not know the gate's list: what it records, the gate refuses."""

    def refused(self, pay: PayDesk, thread: str = "t") -> str:
        pay.apply("signed")
        assert pay.paid == []
        shown = [one for one in hitloop("ls", "--json").json if one["thread_id"] == thread]
        [pending] = [one for one in shown if one["state"] == "pending"]
        [warning] = [text for text in pending["warnings"] if "refused an earlier answer" in text]
        return str(warning)

    def test_a_stranger(self, pay, asked, people):
        assert say("approve", asked, people["eve"])[0] == 0
        assert "not signed by eve" in self.refused(pay)

    def test_a_stranger_under_another_name(self, pay, asked, people):
        assert say("approve", asked, Signer("ann", people["eve"].key))[0] == 0
        assert "not signed by ann" in self.refused(pay)
        [again] = [one for one in hitloop("ls", "--json").json if one["state"] == "pending"]
        assert say("approve", again["id"], people["ann"])[0] == 0
        pay.apply("signed")
        assert pay.paid == [1]

    def test_an_answer_that_nobody_signed(self, pay, asked):
        session = Session.open(pay.db)
        [review] = session.inbox.reviews()
        self.forge(session, review, Person("ann", {}))
        session.close()
        assert "Only signed answers count" in self.refused(pay)

    def forge(self, session: Session, review: Review, person: Person, **more: Any) -> None:
        """Somebody who can write the ledger as the code does."""
        approve = Verdict(Kind.APPROVE)
        answer = {**shapes.answer(review, {0: approve}, person), **more}
        assert session.ledger.record(review, {0: approve}, answer, person) is None

    def test_a_signature_for_another_thread(self, pay, asked, people):
        other = pay.ask("u", graph=cli_graphs.signed())
        assert say("approve", other, people["ann"], HITLOOP_HOLD="3600")[0] == 0
        [signed] = recorded(pay.db)
        session = Session.open(pay.db)
        [review] = [r for r in session.inbox.reviews() if r.thread_id == "t"]
        self.forge(session, review, Person("ann", {}), **signed)
        session.close()
        hitloop("undo", other)
        assert "signature was refused" in self.refused(pay)


class TestSeveral:
    @pytest.fixture
    def asked(self, pay, signers) -> str:
        return pay.ask(graph=cli_graphs.signed_by_two())

    def test_both_sign(self, pay, asked, signers, people):
        assert say("approve", asked, people["ann"])[1]["detail"] == "1 more person must approve"
        assert say("approve", asked, people["ann"])[0] == 3
        assert say("approve", asked, people["bob"])[0] == 0
        [answer] = recorded(pay.db)
        assert answer["approved_by"] == ["human:ann", "human:bob"]
        assert [vote["decided_by"] for vote in answer["votes"]] == ["human:ann"]
        assert pay.apply("signed_by_two").code == 0
        assert pay.paid == [1]
        assert verified(pay, signers) == (0, [])
        [line] = exported(pay)
        assert [(vote["decided_by"], vote["signed"]) for vote in line["votes"]] == [
            ("human:ann", True),
            ("human:bob", True),
        ]
        signers.write_text(people["bob"].allowed)
        code, [fault] = verified(pay, signers)
        assert code == 1
        assert fault.startswith("signature of human:ann under decision 1: not signed by ann")

    def test_one_key_under_two_names(self, pay, asked, signers, people):
        ann = people["ann"]
        signers.write_text(f"* {ann.allowed.split(' ', 1)[1]}")
        say("approve", asked, ann)
        assert say("approve", asked, Signer("zoe", ann.key))[0] == 0
        pay.apply("signed_by_two")
        assert pay.paid == []

    def test_an_edit_that_both_sign(self, pay, asked, people):
        for name in ("ann", "bob"):
            assert say("edit", asked, people[name], "--args", '{"amount": 9}')[0] == 0
        assert pay.apply("signed_by_two").code == 0
        assert pay.paid == [9]


class TestOtherShapes:
    """Their answers carry no signature; the ledger does."""

    def test_free_text_and_a_batch(self, pay, signers, people, monkeypatch):
        id_ = pay.ask(graph=cli_graphs.plain)
        assert say("respond", id_, people["ann"], "--text", "yes")[0] == 0
        batch = pay.ask("batch", graph=cli_graphs.asking(BATCH))
        assert say("reject", batch, people["bob"], "--action", "2")[0] == 0
        assert say("approve", batch, people["ann"])[0] == 0
        assert "signature" not in json.dumps(recorded(pay.db))
        assert verified(pay, signers) == (0, [])
        checks = [line["signature_check"] for line in exported(pay, "--allowed-signers", signers)]
        assert checks == ["good", "good"]


class TestAudit:
    """A ledger that somebody has changed and chained anew shows only in the signatures."""

    @pytest.fixture
    def signed(self, pay, asked, people) -> str:
        say("approve", asked, people["ann"])
        return asked

    @pytest.mark.parametrize(
        "change",
        [
            "decided_by='human:bob'",
            "decided_at='2026-01-01T00:00:00.000+00:00'",
            "thread_id='another'",
            "answer=replace(answer, 'true', 'false')",
            "answer='[]'",
            "answer='{'",
            "review=replace(review, '\"amount\": 1', '\"amount\": 2')",
            "identity=replace(identity, 'interrupt_id', 'id')",
            "signature='-----BEGIN SSH SIGNATURE-----'",
            "signature=NULL",
        ],
    )
    def test_changed_and_chained_anew(self, pay, signed, signers, change):
        connection = sqlite3.connect(pay.db.with_name("agents.ledger.db"), isolation_level=None)
        connection.row_factory = sqlite3.Row
        connection.executescript(
            "DROP TRIGGER decisions_fixed; DROP TRIGGER journal_kept; DELETE FROM journal;"
            f"UPDATE decisions SET {change}"
        )
        journal.seal_all(connection)
        connection.close()
        assert hitloop("audit", pay.db, "verify").code == 0, "the chain is in order"
        code, [fault] = verified(pay, signers)
        assert code == 1
        assert fault.startswith("signature of decision 1: ")
        assert hitloop("audit", pay.db, "export", "--allowed-signers", signers).code == 0

    def test_a_key_that_has_left_the_list(self, pay, signed, signers, people):
        signers.write_text(people["bob"].allowed)
        code, [fault] = verified(pay, signers)
        assert (code, "not signed by ann" in fault) == (1, True)

    def test_a_key_that_was_valid_then(self, pay, signed, signers, people):
        name, key = people["ann"].allowed.split(" ", 1)
        signers.write_text(f'{name} valid-before="20990101" {key}')
        assert verified(pay, signers) == (0, [])
        signers.write_text(f'{name} valid-before="20200101" {key}')
        assert verified(pay, signers)[0] == 1

    def test_no_list(self, pay, signed):
        result = hitloop("audit", pay.db, "verify", "--allowed-signers", pay.folder / "none")
        assert (result.code, "there is no file" in result.err) == (2, True)
