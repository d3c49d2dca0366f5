"""What took long to find out about a value, so that opening it again does not."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

SLOW_S = 0.005

T = TypeVar("T")


class Remembered(Generic[T]):
    """Findings by what tells their values apart, such as a digest. Safe from any thread."""

    def __init__(self, most: int = 512) -> None:
        """`most` is how many are kept: the last ones."""
        self._most = most
        self._known: dict[Hashable, T] = {}

    def of(self, key: Hashable, find: Callable[[], T]) -> T:
        known = self._known.get(key)
        if known is not None:
            return known
        began = time.perf_counter()
        found = find()
        if time.perf_counter() - began > SLOW_S:
            self._known[key] = found
            if len(self._known) > self._most:
                self._known.pop(next(iter(self._known)), None)
        return found
