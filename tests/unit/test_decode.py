"""Stored values are data: whatever they name, nothing is imported, called or built."""

from __future__ import annotations

import contextlib
import random
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import ormsgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.types import Interrupt
from pydantic import BaseModel, SecretStr

from hitloop_tui.attach.checkpoints import Checkpoints
from hitloop_tui.attach.decode import MAX_DEPTH, Undecodable, digest, loads


def ext(code: int, *body: Any) -> ormsgpack.Ext:
    return ormsgpack.Ext(code, ormsgpack.packb(list(body)))


def packed(value: Any) -> bytes:
    return ormsgpack.packb(value, option=ormsgpack.OPT_NON_STR_KEYS)


SHELL = "touch {marker}"
ATTACKS = {
    "one argument": (0, "os", "system", SHELL),
    "eval": (0, "builtins", "eval", "__import__('pathlib').Path('{marker}').touch()"),
    "positional": (1, "subprocess", "call", [["touch", "{marker}"]]),
    "keyword": (2, "subprocess", "run", {"args": ["touch", "{marker}"]}),
    "method": (3, "pathlib", "Path", "{marker}", "touch"),
    "pydantic v1": (4, "subprocess", "Popen", {"args": ["touch", "{marker}"]}),
    "pydantic v2": (5, "subprocess", "Popen", {"args": ["touch", "{marker}"]}, "model_validate"),
    "import": (0, "evil_module_on_the_path", "anything", 1),
}


def filled(value: Any, marker: Path) -> Any:
    match value:
        case str():
            return value.replace("{marker}", str(marker))
        case list():
            return [filled(item, marker) for item in value]
        case dict():
            return {key: filled(item, marker) for key, item in value.items()}
    return value


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("name", ATTACKS)
def test_nothing_named_in_the_data_runs(tmp_path, monkeypatch, name, nested):
    marker = tmp_path / "ran"
    (tmp_path / "evil_module_on_the_path.py").write_text(f"open({str(marker)!r}, 'w')")
    monkeypatch.syspath_prepend(tmp_path)
    code, *body = ATTACKS[name]
    attack = ext(code, *filled(body, marker))
    if nested:
        attack = ext(2, "langgraph.types", "Interrupt", {"value": attack, "id": "0" * 32})
    found = loads("msgpack", ormsgpack.packb([attack]))
    assert f"{body[0]}.{body[1]}" in str(found) or str(marker) in str(found)
    assert not marker.exists()
    assert "evil_module_on_the_path" not in sys.modules


@pytest.mark.parametrize(
    "blob",
    [
        b"\xc1",
        b"\xdd\xff\xff\xff\xff",
        b"\xdb\xff\xff\xff\xffabc",
        b"\xdf\xff\xff\xff\xff",
        b"\xc9\xff\xff\xff\xff\x00aa",
        b"\x91" * 100_000,
        b"\x81\xa1a" * 100_000 + b"\xc0",
        b"\x91" * (MAX_DEPTH + 1) + b"\xc0",
        b"\xa2\xff\xff",
        packed(ext(0, 1)),
        packed(ext(6)),
        packed(ext(99, "os", "system", "x")),
        packed(ormsgpack.Ext(5, b"")),
    ],
    ids=str,
)
def test_broken_values_say_so(blob):
    with pytest.raises(Undecodable):
        loads("msgpack", blob)


def test_objects_in_objects_without_end():
    blob = packed("x")
    for _ in range(3000):
        blob = packed(ormsgpack.Ext(0, b"\x93\xa1a\xa1b" + blob))
    with pytest.raises(Undecodable, match="nested"):
        loads("msgpack", blob)


@pytest.mark.parametrize("kind", ["pickle", "msgpack+aes", "python", "cloudpickle"])
def test_other_kinds_are_never_loaded(kind):
    with pytest.raises(Undecodable, match="never loaded"):
        loads(kind, b"cos\nsystem\n(S'false'\ntR.")


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 200 + "1" + "}" * 200, "1" * 5000, "nope", '"\\ud8"']
)
def test_broken_json_says_so(text):
    with pytest.raises(Undecodable):
        loads("json", text.encode())


@given(blob=st.binary(max_size=200))
def test_any_bytes_decode_or_say_why(blob):
    with contextlib.suppress(Undecodable):
        digest(loads("msgpack", blob))


class Card(BaseModel):
    number: int
    code: SecretStr


def test_what_langgraph_stores_comes_back_readable():
    value = {
        "when": datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
        "money": Decimal("1.50"),
        "id": UUID(int=5),
        "set": {1},
        "tuple": (1, "a"),
        "path": Path("/etc/passwd"),
        "card": Card(number=1, code=SecretStr("1234")),
        3: "three",
        "bytes": b"\x00",
        "text": "é\x00",
        "nothing": None,
    }
    found = loads(*JsonPlusSerializer().dumps_typed(Interrupt(value, "0" * 32)))
    assert found["id"] == "0" * 32
    shown = found["value"]
    assert shown.pop("card")["number"] == 1
    assert shown == {
        "when": "2026-01-02T03:04:00+00:00",
        "money": "1.50",
        "id": UUID(int=5).hex,
        "set": [1],
        "tuple": [1, "a"],
        "path": "/etc/passwd",
        3: "three",
        "bytes": b"\x00",
        "text": "é\x00",
        "nothing": None,
    }


def test_the_name_of_a_class_cannot_be_forged_from_inside():
    found = loads("msgpack", packed(ext(5, "os", "Evil", {"__type__": "builtins.str", "x": 1})))
    assert found == {"__type__": "os.Evil", "x": 1}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_plain_data_is_unchanged(value):
    assert loads("msgpack", packed(value)) == value
    assert digest(value) == digest(loads("msgpack", packed(value)))


def test_a_bad_row_never_hides_another(zoo_db):
    """Bits flipped all over the stored questions."""
    source = Checkpoints(zoo_db)
    whole = {q.identity.key: q.identity.thread_id for q in source.questions()}
    rows = source.rows("SELECT rowid, thread_id, value FROM writes WHERE idx=-3")
    source.close()
    dice = random.Random(7)
    for _ in range(60):
        rowid, thread, value = dice.choice(rows)
        broken = bytearray(value)
        for _ in range(dice.randint(1, 4)):
            broken[dice.randrange(len(broken))] ^= 1 << dice.randrange(8)
        with sqlite3.connect(zoo_db) as connection:
            connection.execute("UPDATE writes SET value=? WHERE rowid=?", (bytes(broken), rowid))
        connection.close()
        found = {q.identity.key for q in source.questions()}
        assert {key for key, asked_in in whole.items() if asked_in != thread} <= found
        with sqlite3.connect(zoo_db) as connection:
            connection.execute("UPDATE writes SET value=? WHERE rowid=?", (value, rowid))
        connection.close()
    assert {q.identity.key for q in source.questions()} == whole.keys()
    source.close()


def test_decoding_imports_neither_langgraph_nor_anything_of_the_data(zoo_db):
    script = (
        "import sys, pathlib\n"
        "from hitloop_tui.attach.checkpoints import Checkpoints\n"
        f"found = Checkpoints(pathlib.Path({str(zoo_db)!r}))\n"
        "assert list(found.questions()) and found.events_since(None)[0]\n"
        "assert found.messages('one-messages', 3) == []\n"
        "print([m for m in sys.modules if m.startswith(('lang', 'tests', 'zoo'))])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
