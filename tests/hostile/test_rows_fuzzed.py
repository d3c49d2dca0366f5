"""Broken rows: all of them are seen, and nothing falls over. Many more: `tests.hostile.fuzz`."""

from __future__ import annotations

import contextlib
import random

import ormsgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitloop_tui.attach.decode import MAX_DEPTH, Undecodable, doubts, fingerprint, loads
from hitloop_tui.attach.interrupt_values import interrupts
from tests.hostile.fuzz import fuzz, generated, mutated


@pytest.mark.parametrize("seed", range(4))
def test_what_is_stored_is_shown(tmp_path, seed):
    found = fuzz(150, seed, tmp_path)
    assert found.crashes == []
    assert found.missing == []
    assert found.shown == found.stored == 150
    assert 0 < found.readable < found.shown  # else nothing was broken, or everything


@given(st.integers(0, 2**64), st.binary(max_size=300))
def test_any_bytes_are_a_question_or_told_as_none(seed, blob):
    dice = random.Random(seed)
    for value in (blob, generated(dice), mutated(blob + b"\x90", dice)):
        for kind in ("msgpack", "json", "pickle", None):
            found = interrupts(kind, value)
            assert found
            for one in found:
                assert one.undecodable is None or one.value["sha256"]
            with contextlib.suppress(Undecodable):
                loads(kind, value)
                doubts(kind, value)


def nested(count: int, opening: bytes) -> bytes:
    return opening * count + b"\xc0"


def objects(count: int) -> bytes:
    """Extension objects in extension objects, each a list of module, name and the next."""
    sizes, size = [], 1
    for _ in range(count):
        size += len(b"\x93\xa1a\xa1b")
        sizes.append(size)
        size += 6
    headers = (b"\xc9" + size.to_bytes(4) + b"\x00\x93\xa1a\xa1b" for size in reversed(sizes))
    return b"".join(headers) + b"\xc0"


LIMITS = {
    "2,000 lists": nested(2000, b"\x91"),
    "2,000 objects": nested(2000, b"\x81\xa1a"),
    "as deep as is read, and one more": nested(MAX_DEPTH + 1, b"\x91"),
    "30,000 extension objects": objects(30_000),
    "a list of 4 GiB": b"\xdd\xff\xff\xff\xff",
    "a text of 4 GiB": b"\xdb\xff\xff\xff\xffabc",
    "bytes of 4 GiB": b"\xc6\xff\xff\xff\xffabc",
    "a map of 4 GiB": b"\xdf\xff\xff\xff\xff\xa1a",
    "an extension of 4 GiB": b"\xc9\xff\xff\xff\xff\x00aa",
    "text that is no UTF-8": b"\x81\xa1a\xa2\xff\xff",
    "an extension nobody knows": ormsgpack.packb(ormsgpack.Ext(99, b"\xc0")),
}


@pytest.mark.parametrize("name", LIMITS)
def test_limits_are_told(name):
    with pytest.raises(Undecodable):
        loads("msgpack", LIMITS[name])
    [found] = interrupts("msgpack", LIMITS[name])
    assert found.undecodable
    assert found.value["bytes"] == len(LIMITS[name])
    assert f"SHA-256 {found.value['sha256']}" in fingerprint(LIMITS[name])


def test_what_is_just_within_them_is_read():
    assert loads("msgpack", nested(MAX_DEPTH - 1, b"\x91"))
    assert loads("msgpack", objects(MAX_DEPTH // 2))
    many = ormsgpack.packb([None] * 1_000_000)
    assert len(loads("msgpack", many)) == 1_000_000
    assert doubts("msgpack", many) == ()
