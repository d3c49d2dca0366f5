"""Whether calls that overlapped in time can be told as one after another.

Wing and Gong, Testing and Verifying Concurrent Objects (1993), with the cache of Lowe, Testing for
Linearizability (2017).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Call:
    """One call by one process, on the machine's monotonic clock."""

    by: str
    began: float
    ended: float
    did: str
    said: Hashable


Step = Callable[[Hashable, Call], Iterable[Hashable]]
"""The states that a call may lead to if it takes effect in a state; none if it cannot say that."""


def linearizable(calls: Sequence[Call], start: Hashable, step: Step) -> bool:
    """Whether an order exists that keeps "ended before the other began" and every step."""
    todo = frozenset(range(len(calls)))
    stack, seen = [(todo, start)], set()
    while stack:
        todo, state = stack.pop()
        if not todo:
            return True
        if (todo, state) in seen:
            continue
        seen.add((todo, state))
        first_end = min(calls[n].ended for n in todo)
        for n in todo:
            if calls[n].began <= first_end:
                stack += [(todo - {n}, after) for after in step(state, calls[n])]
    return False


def write_once(winner: Hashable, call: Call) -> Iterable[Hashable]:
    """A register that keeps its first value: `recorded` once, then everybody is told of it."""
    if call.said == "recorded":
        return [call.by] if winner is None else []
    return [winner] if winner is not None and call.said == winner else []
