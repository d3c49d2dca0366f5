"""The inbox's state, without an app."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from hitloop_tui.attach.inbox import Row
from hitloop_tui.attach.inline import Start
from hitloop_tui.attach.review import State
from hitloop_tui.tui.arming import GRACE_S, Arming
from hitloop_tui.tui.content import ago
from hitloop_tui.tui.state import InboxState, Order


def row(n: int, **changes: object) -> Row:
    made = Row(
        key=f"{n:064x}",
        id=f"{n:016x}",
        thread_id=f"t-{n}",
        graph_id="mail",
        state=State.PENDING,
        risk=("low", "medium", "high", None)[n % 4],
        tool="send",
        summary=Start(f"to={n}"),
        requested_at=float(n),
        actions=1,
        warnings=0,
        decided_by=None,
        undecided=changes.get("state", State.PENDING) is State.PENDING,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def newest_first(numbers: set[int]) -> list[Row]:
    return [row(n) for n in sorted(numbers, reverse=True)]


NUMBERS = st.sets(st.integers(0, 30))


@given(st.lists(NUMBERS, min_size=1), st.integers(0, 30), st.sampled_from(Order))
def test_the_cursor_stays_on_its_review_or_moves_to_the_next(
    readings: list[set[int]], start: int, order: Order
) -> None:
    state = InboxState(order=order)
    state.replace(newest_first(readings[0]))
    state.move_to(start)
    for reading in readings[1:]:
        before, index, cursor = list(state.shown), state.index, state.cursor
        moved = state.replace(newest_first(reading))
        kept = {each.key for each in state.shown}
        if cursor in kept:
            assert state.cursor == cursor
            assert moved.lost is None
            assert moved.shift == state.index - index
        elif cursor is not None:
            assert moved.lost == cursor
            after = [each.key for each in before[index + 1 :] if each.key in kept]
            if after:
                assert state.cursor == after[0]
        assert (state.cursor in kept) if kept else (state.cursor is None)


@given(NUMBERS, st.sampled_from(Order), st.text(max_size=3))
def test_every_shown_row_matches_and_none_is_shown_twice(
    numbers: set[int], order: Order, words: str
) -> None:
    state = InboxState()
    state.replace(newest_first(numbers))
    state.sort(order)
    state.search(words)
    keys = [each.key for each in state.shown]
    assert len(keys) == len(set(keys))
    assert set(keys) <= {each.key for each in newest_first(numbers)}
    assert [state.place(key) for key in keys] == list(range(len(keys)))
    state.search("")
    assert len(state.shown) == len(numbers)


def test_riskiest_first_puts_unrated_before_low() -> None:
    state = InboxState(order=Order.RISKIEST)
    state.replace(newest_first({0, 1, 2, 3}))
    assert [each.risk for each in state.shown] == ["high", "medium", None, "low"]


def test_every_word_of_the_filter_must_be_there() -> None:
    state = InboxState()
    state.replace(newest_first({1, 2, 12}))
    state.search("SEND 12")
    assert [each.thread_id for each in state.shown] == ["t-12"]
    state.search("unrated")
    assert state.shown == []
    assert state.cursor is None


def test_the_filter_reads_a_changed_row_anew() -> None:
    state = InboxState(filter="decided")
    state.replace([row(1)])
    assert state.shown == []
    state.replace([row(1, state=State.DECIDED)])
    assert len(state.shown) == 1


def test_counts_are_of_pending_reviews_only() -> None:
    state = InboxState()
    state.replace([row(2), row(6, state=State.DECIDED), row(1)])
    assert (state.total, state.waiting, state.high) == (3, 2, 1)


def test_what_did_not_go_well_is_counted() -> None:
    state = InboxState()
    went = (State.FAILED, State.UNCERTAIN, State.STALE, State.DECIDED, State.EXPIRED)
    state.replace([row(n, state=each) for n, each in enumerate(went)])
    assert state.stuck == 3


def test_marks_go_with_reviews_that_are_not_pending_any_more() -> None:
    state = InboxState()
    state.replace(newest_first({1, 2}))
    state.mark_shown()
    state.replace([row(2, state=State.DECIDED), row(1)])
    assert state.marks == {row(1).key}


def test_only_shown_reviews_are_marked_and_a_second_time_unmarks() -> None:
    state = InboxState()
    state.replace(newest_first({1, 2, 12}))
    state.search("12")
    state.mark_shown()
    assert state.marks == {row(12).key}
    state.mark_shown()
    assert state.marks == set()


def test_the_next_to_decide_goes_round_and_skips_the_decided() -> None:
    state = InboxState()
    state.replace([row(3), row(2, state=State.DECIDED), row(1)])
    state.move_to(0)
    assert state.next_undecided()
    assert state.row == row(1)
    assert state.next_undecided()
    assert state.row == row(3)
    state.replace([row(3, state=State.DECIDED)])
    assert not state.next_undecided()


def test_arming_starts_anew_when_something_else_is_shown() -> None:
    now = [0.0]
    arming = Arming(lambda: now[0])
    assert not arming.armed(waited=0)
    arming.show("one")
    now[0] = GRACE_S
    assert arming.armed(waited=0)
    assert not arming.armed(waited=0.1)
    arming.show("one")
    assert arming.armed(waited=0)
    arming.show("two")
    assert not arming.armed(waited=0)
    now[0] += GRACE_S
    arming.disarm()
    assert not arming.armed(waited=0)


def test_ages_change_once_a_minute_at_most() -> None:
    assert [ago(s) for s in (0, 59, 60, 3599, 3600, 86_400, 13 * 86_400, 14 * 86_400)] == [
        "now",
        "now",
        "1m",
        "59m",
        "1h",
        "1d",
        "13d",
        "2w",
    ]
