"""`audit verify` and `audit export` as real commands, on ledgers of real decisions."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import cli_graphs
from tests.e2e.command_line import decisions, hitloop
from tests.e2e.pay_desk import PayDesk
from tests.signers import needs_ssh

HOSTILE = '\x1b[2J\n{"seq": 1}\r\u2028\u202eevil\x9b"\\'


def ledger(pay: PayDesk) -> Path:
    return pay.db.with_name("agents.ledger.db")


def tamper(pay: PayDesk, *statements: str) -> None:
    connection = sqlite3.connect(ledger(pay))
    triggers = connection.execute("SELECT name FROM sqlite_master WHERE type='trigger'").fetchall()
    for (name,) in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def lines(*options: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in hitloop("audit", "export", *options).out.splitlines()]


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> tuple[Path, list[str]]:
    folder = tmp_path_factory.mktemp("book")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PAY_FOLDER", str(folder))
        patch.setenv("HITLOOP_DB", str(folder / "agents.db"))
        return folder, decide_all(PayDesk(folder))


@pytest.fixture
def decided(pay, book) -> list[str]:
    """The ids of a payment made, one undone and rejected, one that two people approved."""
    folder, ids = book
    shutil.copytree(folder, pay.folder, dirs_exist_ok=True)
    return ids


def decide_all(pay: PayDesk) -> list[str]:
    paid, undone, both = pay.ask("a"), pay.ask("b"), pay.ask("c", graph=cli_graphs.two)
    decisions("approve", paid, "--as", "Ann", "--reason", HOSTILE)
    pay.apply()
    decisions("approve", undone, "--as", "Ann", HITLOOP_HOLD="60")
    decisions("undo", undone, "--as", "Bob")
    decisions("reject", undone, "--as", "Bob", "--reason", "too much")
    for name in ("Ann", "Bob"):
        decisions("approve", both, "--as", name)
    return [paid, undone, both]


class TestVerify:
    def test_what_was_not_touched(self, pay, decided):
        result = hitloop("audit", pay.db, "verify")
        assert result.code == 0
        assert "4 decisions: no fault found" in result.out
        for limit in ("cut off the end", "chained anew", "never recorded"):
            assert limit in result.out
        head = re.search(r"^head (\d+:[0-9a-f]{64})$", result.out, re.MULTILINE)
        assert head is not None
        report = hitloop("audit", "verify", "--json").json
        assert (report["intact"], report["faults"], report["head"]) == (True, [], head[1])
        assert len(report["unseen"]) == 3
        assert hitloop("audit", "verify", pay.db, "--anchor", head[1]).code == 0
        decisions("reject", pay.ask("d"))
        assert hitloop("audit", pay.db, "verify", "--anchor", head[1]).code == 0

    def test_every_fault_is_listed(self, pay, decided):
        tamper(
            pay,
            "UPDATE decisions SET decided_by='human:eve' WHERE seq=1",
            "DELETE FROM withdrawals",
            "DELETE FROM journal WHERE seq=2",
        )
        result = hitloop("audit", pay.db, "verify")
        assert result.code == 1
        faults = [line for line in result.out.splitlines() if line.startswith("FAULT")]
        assert "FAULT  entry 3: entries 2 to 2 are missing" in faults
        assert "FAULT  entry 1: row 1 of decisions was changed after it was written" in faults
        assert any("row 2 of withdrawals was deleted" in line for line in faults)
        doctor = hitloop("doctor", pay.db)
        assert doctor.code == 1
        assert f"not as it was written, {len(faults)} faults" in doctor.out
        told = hitloop("audit", pay.db, "verify", "--json").json["faults"]
        assert len(told) == len(faults)
        assert {"entry", "text"} == told[0].keys()

    def test_a_cut_tail_shows_against_a_kept_head(self, pay, decided):
        kept = hitloop("audit", "verify", "--json").json["head"]
        last = int(kept.partition(":")[0])
        tamper(
            pay,
            f"DELETE FROM journal WHERE seq > {last - 3}",
            "DELETE FROM verdicts",
            "DELETE FROM unsettled WHERE seq=4",
            "DELETE FROM decisions WHERE seq=4",
        )
        assert hitloop("audit", pay.db, "verify").code == 0
        result = hitloop("audit", pay.db, "verify", "--anchor", kept)
        assert result.code == 1
        assert f"entries {last - 2} to {last} were cut off the end" in result.out
        ledger(pay).unlink()
        for extra in ("-wal", "-shm"):
            Path(f"{ledger(pay)}{extra}").unlink(missing_ok=True)
        assert hitloop("audit", pay.db, "verify").code == 0
        assert hitloop("audit", pay.db, "verify", "--anchor", kept).code == 1
        assert not ledger(pay).exists()

    def test_mistakes(self, pay, decided, tmp_path):
        assert hitloop("audit", pay.db, "verify", "--anchor", "5").code == 2
        assert hitloop("audit", tmp_path / "none.db", "verify").code == 2
        assert hitloop("audit", pay.db, "verify", "--ledger", pay.db).code == 1
        assert hitloop("audit", pay.db).code == 2
        assert hitloop("audit", pay.db, "verfy").code == 2
        assert "verify" in hitloop("audit", "--help").out

    def test_ways_to_name_the_ledger(self, pay, decided, tmp_path):
        expected = hitloop("audit", pay.db, "verify").out
        for arguments in (
            ["audit", "verify", pay.db],
            ["audit", "--db", pay.db, "verify"],
            ["--db", pay.db, "audit", "verify"],
            ["audit", "verify", "--ledger", ledger(pay)],
        ):
            assert hitloop(*arguments).out == expected
        pay.db.rename(tmp_path / "elsewhere.db")
        assert hitloop("audit", "verify").out == expected, "a ledger may outlive its database"


class TestExport:
    def test_everything_in_order(self, pay, decided):
        told = lines()
        assert [line["seq"] for line in told] == list(range(1, len(told) + 1))
        assert [line["kind"] for line in told] == [
            *("decision", "attempt", "outcome", "decision", "withdrawal", "decision"),
            *("verdict", "verdict", "decision"),
        ]
        first, undone, rejected, both = [line for line in told if line["kind"] == "decision"]
        assert first["id"] == decided[0]
        assert first["thread_id"] == "a"
        assert re.fullmatch("[0-9a-f]{32}", first["interrupt_id"])
        assert first["actions"][0]["tool_args"] == {"amount": 1}
        assert (first["reason"], first["verdicts"][0]["kind"]) == (HOSTILE, "approve")
        assert (first["decided_by"], first["account"]["stated"]) == ("human:Ann", "Ann")
        assert first["latency_ms"] > 0
        assert [end["outcome"] for end in first["outcomes"]] == ["applied"]
        assert undone["withdrawn"]["by"] == "human:Bob"
        assert (rejected["id"], rejected["reason"]) == (decided[1], "too much")
        assert [vote["decided_by"] for vote in both["votes"]] == ["human:Ann", "human:Bob"]
        shown = hitloop("show", decided[0], "--json").json
        assert first["digest"] == shown["digest"]

    def test_hostile_text_stays_within_its_line(self, pay, decided):
        result = hitloop("audit", "export")
        assert re.search(r"[^\x20-\x7e\n]", result.out) is None
        assert all(json.loads(line)["hash"] for line in result.out.splitlines())
        assert re.fullmatch(r"9 entries; head 9:[0-9a-f]{64}\n", result.err)

    def test_what_was_tampered_with_is_told_where_it_is(self, pay, decided):
        tamper(pay, "UPDATE decisions SET answer='evil' WHERE seq=1", "DELETE FROM withdrawals")
        told = lines()
        faulty = {line["seq"]: line["fault"] for line in told if line["fault"]}
        assert faulty == {
            1: "row 1 of decisions was changed after it was written",
            5: "row 2 of withdrawals was deleted",
        }
        assert told[0]["answer"] == {"unreadable": "evil"}

    def test_a_reader_that_leaves_early(self, pay, decided):
        line = f"{sys.executable} -m hitloop_tui audit {pay.db} export | head -n 1"
        done = subprocess.run(line, shell=True, capture_output=True, text=True)
        assert json.loads(done.stdout)["seq"] == 1
        assert "Traceback" not in done.stderr

    def test_nothing_yet(self, pay):
        pay.ask()
        assert hitloop("audit", "export").out == ""
        assert not ledger(pay).exists()


@needs_ssh
def test_the_readmes_example(pay):
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    blocks = re.findall(
        r"```sh\n(.*?)```", readme.split("## Audit\n")[1].split("\n## ")[0], re.DOTALL
    )
    assert len(blocks) == 2
    ours = f'hitloop-tui() {{ "{sys.executable}" -m hitloop_tui "$@"; }}\nset -euo pipefail\n'
    env = {**os.environ, "ID": pay.ask()}
    for block in reversed(blocks):
        script = ["bash", "-c", ours + block]
        done = subprocess.run(script, capture_output=True, text=True, cwd=pay.folder, env=env)
        assert done.returncode == 0, done.stderr
    assert "1 of 1 decisions are signed" in hitloop("audit", "verify").out
    [decision] = map(json.loads, (pay.folder / "audit.jsonl").read_text().splitlines())
    assert decision["decided_by"] == "human:ann"
