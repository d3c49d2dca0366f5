"""The formulas, against the validation tables of `reference/oversight.md` (1.2, 4.1, 4.7)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitloop_tui.eval.rates import Share, mean, quantile, ratio, sensitivity

WILSON = {
    (81, 263): (0.255289, 0.366210),
    (15, 148): (0.062386, 0.160487),
    (0, 20): (0, 0.161125),
    (3, 4): (0.300642, 0.954413),
    (0, 4): (0, 0.489891),
    (4, 4): (0.510109, 1),
    (9, 10): (0.595850, 0.982124),
    (93, 100): (0.862505, 0.965681),
    (0, 100): (0, 0.036993),
}
LOG_LINEAR = {
    (20, 5, 10, 15): (1.044499, -0.278845),
    (50, 0, 17, 8): (1.885343, -1.391097),
    (40, 10, 5, 45): (2.058872, 0.208644),
    (10, 0, 0, 10): (3.381243, 0),
    (0, 10, 0, 10): (0, 1.690622),
    (10, 0, 10, 0): (0, -1.690622),
    (3, 1, 0, 16): (2.413910, 0.682555),
    (18, 2, 6, 54): (2.424807, 0.032643),
}
LATENCIES = [800, 950, 1200, 1500, 2100, 3200, 4800, 9000, 15000, 60000]


@pytest.mark.parametrize(("counts", "bounds"), WILSON.items())
def test_wilson(counts, bounds):
    assert Share(*counts).interval == pytest.approx(bounds, abs=5e-7)


@pytest.mark.parametrize(("counts", "figures"), LOG_LINEAR.items())
def test_sensitivity(counts, figures):
    assert sensitivity(*counts) == pytest.approx(figures, abs=5e-7)


def test_quantiles_are_of_type_7():
    assert quantile(range(1, 101), 0.95) == pytest.approx(95.05)
    assert quantile(LATENCIES, 0.95) == pytest.approx(39750)
    assert quantile(LATENCIES, 0.5) == 2650
    assert quantile([7.0], 0.95) == 7.0
    assert mean(LATENCIES) == 9855


def test_over_nothing_everything_is_undefined():
    assert ratio(0, 0) is None
    assert Share(0, 0).value is Share(0, 0).interval is None
    assert mean([]) is quantile([], 0.5) is None
    assert sensitivity(0, 0, 1, 1) is sensitivity(1, 1, 0, 0) is None


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_share(counts):
    share = Share(*counts)
    low, high = share.interval
    assert 0 <= low <= share.value <= high <= 1


@given(st.lists(st.floats(0, 1e9), min_size=1), st.floats(0, 1))
def test_a_quantile_lies_between_the_values(values, share):
    found = quantile(values, share)
    assert min(values) <= found <= max(values) or found == pytest.approx(max(values))
