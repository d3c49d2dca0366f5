"""Shares with their uncertainty, quantiles, and signal detection. What is undefined is None."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

_NORMAL = NormalDist()
Z95 = _NORMAL.inv_cdf(0.975)


@dataclass(frozen=True, slots=True)
class Share:
    """`k` of `n`."""

    k: int
    n: int

    @property
    def value(self) -> float | None:
        return ratio(self.k, self.n)

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's 95 % score interval: right down to few trials, where k/n +- 2 SE is not.

        Wilson, "Probable inference, the law of succession, and statistical inference", JASA 1927.
        """
        if not self.n:
            return None
        share, square = self.k / self.n, Z95 * Z95 / self.n
        middle = share + square / 2
        half = math.sqrt(square * (share * (1 - share) + square / 4))
        low = 0.0 if self.k == 0 else (middle - half) / (1 + square)
        high = 1.0 if self.k == self.n else (middle + half) / (1 + square)
        return low, high


def ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def quantile(values: Sequence[float], share: float) -> float | None:
    """Type 7: linear between the closest ranks (Hyndman and Fan, American Statistician 1996)."""
    if not values:
        return None
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def sensitivity(
    hits: int, misses: int, false_alarms: int, correct_rejections: int
) -> tuple[float, float] | None:
    """d' and criterion c, log-linear correction (Hautus, Behavior Research Methods 1995).

    Equal-variance Gaussian model; c < 0 rejects readily, c > 0 approves readily.
    """
    signals, noises = hits + misses, false_alarms + correct_rejections
    if not signals or not noises:
        return None
    hit = _NORMAL.inv_cdf((hits + 0.5) / (signals + 1))
    alarm = _NORMAL.inv_cdf((false_alarms + 0.5) / (noises + 1))
    return hit - alarm, -(hit + alarm) / 2
