"""Values and names as stores keep them: they come back as they were, and stay apart."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitloop_tui.core.digest import canonical_json
from hitloop_tui.errors import BadInput
from hitloop_tui.persistence import PendingApprovalRecord
from hitloop_tui.persistence.codec import (
    LONGEST_KEY,
    TAG,
    column,
    decode,
    encode,
    escaped,
    unescaped,
)

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(categories=["L", "N", "P", "Z", "C", "S"]))
    | st.binary()
    | st.datetimes(timezones=st.just(UTC))
    | st.dates()
    | st.decimals(allow_nan=False)
    | st.uuids()
    | st.frozensets(st.integers() | st.text())
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text() | st.just(TAG), inner)
        | st.dictionaries(st.integers() | st.tuples(st.text()), inner)
    ),
    max_leaves=15,
)


@given(VALUES)
def test_values_come_back_as_they_were(value):
    back = decode(encode(value))
    assert back == value
    assert canonical_json(back) == canonical_json(value)  # tells 1 from 1.0 and from True


@given(st.lists(st.text(st.characters(codec=None), max_size=3000), min_size=2, unique=True))
def test_columns_keep_different_texts_apart(texts):
    assert len(set(map(column, texts))) == len(texts)
    for text in texts:
        assert unescaped(escaped(text)) == text
        assert column(text).isascii()
        assert column(text).isprintable()
        assert len(column(text)) <= LONGEST_KEY


def test_no_text_is_the_column_of_a_longer_one():
    long = "x" * (LONGEST_KEY + 1)
    assert column(column(long)) != column(long)


def test_what_cannot_be_kept_is_said():
    with pytest.raises(BadInput, match="type object"):
        encode({"x": object()})
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(BadInput, match="nested"):
        encode(deep)


def test_special_values():
    assert repr(decode(encode([float("nan"), -0.0, float("-inf")]))) == "[nan, -0.0, -inf]"
    values = [date(2026, 1, 2), timedelta(days=-1, microseconds=5), Decimal("1.0"), UUID(int=7)]
    assert decode(encode(values)) == values


def test_records_as_dicts_of_upstream():
    """Keys of 0.5.1 alone are enough."""
    old = {
        "callback_id": "c",
        "run_id": "r",
        "thread_id": "t",
        "action_id": "a",
        "tool_name": "x",
        "tool_args": {},
        "risk_class": "extreme",
        "policy_name": "p",
        "policy_reason": "why",
        "created_at": "2026-01-02T03:04:05",
        "expires_at": None,
        "later": "unknown keys are left out",
    }
    record = PendingApprovalRecord.from_dict(old)
    assert record.created_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert PendingApprovalRecord.from_dict(record.to_dict()) == record
    assert record.to_request().action.risk_class == "high"
