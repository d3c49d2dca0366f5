"""What `audit` finds: any change to any row that says what somebody did."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from hitloop_tui.attach import audit, journal
from hitloop_tui.attach.ledger import Ledger
from hitloop_tui.attach.ledger_file import LedgerFile
from hitloop_tui.errors import BadInput
from tests.books import decided, full, review

TABLES = (*dict.fromkeys(table for table, _, _ in journal.SEALED.values()), "journal", "unsettled")
TRANSIENT = {("orders", "worker"), ("orders", "detail")}
"""Of an order that is still open these tell who is at it, and are sealed when it ends."""


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("book") / "a.ledger.db"
    ledger = full(path)
    assert found(ledger.file) == []
    ledger.file.close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path


@pytest.fixture
def copy(book, tmp_path) -> Path:
    return Path(shutil.copy(book, tmp_path / "b.ledger.db"))


def found(file: LedgerFile, anchor: journal.Head | None = None) -> list[str]:
    with file.snapshot() as connection:
        return [fault.text for fault in audit.check(connection, anchor).faults]


def forger(path: Path) -> sqlite3.Connection:
    """Somebody who can write the file, and knows how to get triggers out of the way."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous=OFF")
    triggers = connection.execute("SELECT name FROM sqlite_master WHERE type='trigger'").fetchall()
    for (name,) in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    return connection


def columns(connection: sqlite3.Connection, table: str) -> dict[str, str]:
    return {row[1]: row[2] for row in connection.execute(f"PRAGMA table_info({table})")}


VALUES = {
    "INTEGER": st.integers(-(2**63), 2**63 - 1),
    "REAL": st.floats(allow_nan=False),
    "TEXT": st.one_of(
        st.text(max_size=20).filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text)),
        st.sampled_from(["", "{}", "[]", "null", "human:eve", "applied", "2020-01-01"]),
    ),
}


def edit(connection: sqlite3.Connection, table: str, draw: Any) -> None:
    kinds = columns(connection, table)
    column = draw(st.sampled_from(sorted(kinds)))
    row = draw(st.sampled_from(connection.execute(f"SELECT rowid, * FROM {table}").fetchall()))
    before = row[1 + list(kinds).index(column)]
    after = draw(st.one_of(st.none(), VALUES[kinds[column]]))
    assume(repr(after) != repr(before))
    is_open = table == "orders" and row[1 + list(kinds).index("outcome")] is None
    assume(not (is_open and (table, column) in TRANSIENT))
    connection.execute(f"UPDATE {table} SET {column}=? WHERE rowid=?", (after, row[0]))
    kept = connection.execute(f"SELECT * FROM {table} WHERE rowid=?", (row[0],)).fetchone()
    assume(kept != row[1:])  # STRICT keeps 1 as 1.0 in a column of reals


def delete(connection: sqlite3.Connection, table: str, draw: Any) -> None:
    rows = connection.execute(f"SELECT rowid FROM {table}").fetchall()
    connection.execute(f"DELETE FROM {table} WHERE rowid=?", draw(st.sampled_from(rows)))


def swap(connection: sqlite3.Connection, table: str, draw: Any) -> None:
    """Two rows in each other's place, or one value of each."""
    kinds = list(columns(connection, table))
    rows = connection.execute(f"SELECT rowid, * FROM {table}").fetchall()
    assume(len(rows) > 1)
    one, other = draw(st.lists(st.sampled_from(rows), min_size=2, max_size=2, unique=True))
    whole = kinds[1:] if len(kinds) > 1 else kinds
    chosen = draw(st.sampled_from([whole, *([name] for name in whole)]))
    places = [1 + kinds.index(name) for name in chosen]
    assume([one[n] for n in places] != [other[n] for n in places])
    is_open = table == "orders" and None in (one[-2], other[-2])
    assume(not (is_open and (table, chosen[0]) in TRANSIENT))
    if "key" in chosen:  # it may be UNIQUE
        connection.execute(f"UPDATE {table} SET key='' WHERE rowid=?", (other[0],))
    for target, source in ((one, other), (other, one)):
        given_ = ", ".join(f"{name}=?" for name in chosen)
        values = [source[n] for n in places]
        connection.execute(f"UPDATE {table} SET {given_} WHERE rowid=?", (*values, target[0]))


def insert(connection: sqlite3.Connection, table: str, draw: Any) -> None:
    kinds = list(columns(connection, table))
    row = list(draw(st.sampled_from(connection.execute(f"SELECT * FROM {table}").fetchall())))
    row[0] = draw(st.integers(-5, 200))
    if "key" in kinds and draw(st.booleans()):
        row[kinds.index("key")] = "f" * 64
    marks = ", ".join("?" * len(kinds))
    connection.execute(f"INSERT INTO {table} VALUES ({marks})", row)


ATTACKS = {attack.__name__: attack for attack in (edit, delete, swap, insert)}


@pytest.mark.parametrize(
    ("attack", "table"),
    [
        (attack, table)
        for attack in ATTACKS
        for table in TABLES
        if attack + table != "swapunsettled"
    ],
)
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_every_change_is_found(copy, book, attack, table, data):
    shutil.copy(book, copy)
    connection = forger(copy)
    try:
        ATTACKS[attack](connection, table, data.draw)
    except sqlite3.IntegrityError:  # STRICT, NOT NULL and UNIQUE refuse some by themselves
        assume(False)
    finally:
        connection.close()
    file = LedgerFile(copy)
    assert found(file) != []
    file.close()


def test_nothing_is_found_in_what_was_not_touched(copy):
    file = LedgerFile(copy)
    with file.snapshot() as connection:
        report = audit.check(connection, journal.head(connection))
    assert report.faults == ()
    assert report.decisions == 10
    file.close()


def test_text_that_is_none_is_read_all_the_same(copy):
    connection = forger(copy)
    connection.execute("UPDATE decisions SET answer=CAST(x'ff00fe' AS TEXT) WHERE seq=2")
    connection.execute("UPDATE decisions SET review='[' WHERE seq=3")
    connection.close()
    file = LedgerFile(copy)
    assert sorted(found(file)) == [
        "row 2 of decisions was changed after it was written",
        "row 3 of decisions was changed after it was written",
    ]
    with file.snapshot() as connection:
        lines = [line for line in audit.export(connection) if line["kind"] == "decision"]
    assert lines[1]["answer"] == {"unreadable": "\udcff\x00\udcfe"}
    assert lines[2]["actions"] == {"unreadable": "["}
    assert [bool(line["fault"]) for line in lines[:4]] == [False, True, True, False]
    file.close()


def test_a_change_with_an_entry_of_its_own(copy):
    """Somebody who changes a row and appends a right entry for it, as the code would."""
    connection = forger(copy)
    connection.execute("UPDATE decisions SET decided_by='human:eve' WHERE seq=2")
    journal.seal(connection, "decision", 2)
    connection.close()
    file = LedgerFile(copy)
    assert "row 2 of decisions is told of a second time" in found(file)
    file.close()


class TestLimits:
    """What the file alone cannot show; `audit verify` says so each time."""

    def test_a_tail_that_was_cut_off(self, copy):
        file = LedgerFile(copy)
        with file.snapshot() as connection:
            kept = journal.head(connection)
        connection = forger(copy)
        connection.execute("DELETE FROM escalations WHERE id=2")
        connection.execute("DELETE FROM journal WHERE seq=?", (kept.seq,))
        connection.close()
        assert found(file) == []
        assert found(file, kept) == [f"entries {kept.seq} to {kept.seq} were cut off the end"]
        file.close()

    def test_a_ledger_made_anew(self, copy, tmp_path):
        file = LedgerFile(copy)
        with file.snapshot() as connection:
            kept = journal.head(connection)
        file.close()
        forged = Ledger(LedgerFile(tmp_path / "forged.ledger.db"))
        for number in range(20):
            decided(forged, f"t{number}")
        assert found(forged.file) == []
        earlier = journal.Head(5, kept.hash)
        assert found(forged.file, earlier) == [
            "entry is not the one that was kept: history was rewritten"
        ]
        forged.file.close()


class TestExport:
    def lines(self, ledger: Ledger) -> list[dict[str, Any]]:
        with ledger.file.snapshot() as connection:
            return list(audit.export(connection))

    def test_one_line_per_entry_in_order(self, copy):
        ledger = Ledger(LedgerFile(copy))
        lines = self.lines(ledger)
        assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
        assert {line["kind"] for line in lines} == set(journal.SEALED)
        assert not any(line["fault"] for line in lines)
        by_kind = Counter(line["kind"] for line in lines)
        assert (by_kind["decision"], by_kind["withdrawal"], by_kind["order"]) == (10, 2, 4)
        assert all(line["key"].startswith(line["id"]) for line in lines)
        ledger.file.close()

    def test_a_decision_tells_everything(self, copy):
        ledger = Ledger(LedgerFile(copy))
        decisions = [line for line in self.lines(ledger) if line["kind"] == "decision"]
        first, second = decisions[0], decisions[2]
        assert first["withdrawn"]["by"] == "human:bob"
        assert first["outcomes"] == []
        assert second["withdrawn"] is None
        assert [end["outcome"] for end in second["outcomes"]] == ["applied"]
        assert second["actions"][0]["tool_args"] == {"text": "x"}
        assert (second["reason"], second["answer"]) == ("x", {"said": "x"})
        assert (second["account"], second["signature_check"]) == ({"uid": 1}, "unsigned")
        several = next(line for line in decisions if line["votes"])
        assert [vote["decided_by"] for vote in several["votes"]] == ["human:ann", "human:bob"]
        ledger.file.close()

    def test_no_transaction_is_left_open(self, copy):
        file = LedgerFile(copy)
        with file.snapshot() as connection, contextlib.closing(audit.export(connection)) as lines:
            next(lines)
            with file.transaction() as writing:  # nobody waits for an export
                writing.execute("DELETE FROM claims")
        with file.transaction() as connection:
            connection.execute("DELETE FROM events")
        assert file.rows("PRAGMA wal_checkpoint(TRUNCATE)")[0]["busy"] == 0
        file.close()

    def test_it_is_read_as_it_is_asked_for(self, tmp_path):
        """Not all in memory: a line can be had before the rest of the ledger was looked at."""
        ledger = Ledger(LedgerFile(tmp_path / "a.ledger.db"))
        for number in range(50):
            decided(ledger, f"t{number}", text="y" * 1000)
        looked_at = []
        with ledger.file.snapshot() as connection:
            connection.set_trace_callback(looked_at.append)
            with contextlib.closing(audit.export(connection)) as lines:
                next(lines)
            assert len(looked_at) < 10
        ledger.file.close()


@pytest.mark.parametrize(
    "text", ["", "5", "x:y", f"-1:{'0' * 64}", f"1:{'g' * 64}", "1:" + "A" * 64]
)
def test_what_is_no_head(text):
    with pytest.raises(BadInput, match="SEQ:HASH"):
        journal.Head.parse(text)


def test_a_missing_ledger_is_an_empty_one(tmp_path):
    file = LedgerFile(tmp_path / "none.ledger.db")
    assert found(file) == []
    kept = journal.Head(3, "0" * 64)
    assert found(file, kept) == ["entries 1 to 3 were cut off the end"]
    assert not file.path.exists()


def test_the_head_is_what_is_printed(copy):
    file = LedgerFile(copy)
    with file.snapshot() as connection:
        head = journal.head(connection)
    assert journal.Head.parse(str(head)) == head
    assert json.dumps(str(head))
    assert review("x").key
    file.close()
