"""The same seed gives the same items, in every condition, whatever dice a scenario uses."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitloop_tui.eval import InjectionConfig, InjectionType
from hitloop_tui.eval.items import Items, is_wrong
from hitloop_tui.scenarios import EmailDraftScenario, RecordUpdateScenario
from tests.experiments import OldScenario

SCENARIOS = [EmailDraftScenario, RecordUpdateScenario]


def listed(scenario, n=40, base_seed=42, rate=0.2, seed=None, items=None) -> str:
    """The item list as bytes would be compared."""
    items = items or Items()
    config = InjectionConfig(rate, seed=seed)
    drawn = [items.draw(scenario, trial, base_seed, config) for trial in range(n)]
    return json.dumps([[i.proposed.model_dump(mode="json"), i.label.injected] for i in drawn])


@pytest.mark.parametrize("kind", SCENARIOS)
def test_the_same_seed_gives_byte_identical_items(kind):
    assert listed(kind()) == listed(kind())
    used = kind()
    used.generate_action()
    assert listed(used) == listed(kind())
    assert listed(kind(), base_seed=43) != listed(kind())


@pytest.mark.parametrize("kind", SCENARIOS)
def test_a_trial_does_not_depend_on_the_others(kind):
    config = InjectionConfig(0.2)
    alone = Items().draw(kind(), 17, 42, config)
    items, scenario = Items(), kind()
    among = [items.draw(scenario, trial, 42, config) for trial in range(20)][17]
    assert alone.proposed == among.proposed


def test_neighbouring_seeds_share_nothing():
    """hitloop 0.5 seeds trial t with base_seed + t: seeds 42 and 43 overlap in all but one."""
    items, scenario = Items(), EmailDraftScenario()
    one, two = (
        [items.draw(scenario, t, seed, None).intended.id for t in range(50)] for seed in (42, 43)
    )
    assert not set(one) & set(two)


@pytest.mark.parametrize("kind", SCENARIOS)
def test_the_right_actions_stay_whatever_is_injected(kind):
    scenario, items = kind(), Items()

    def intended(config):
        return [items.draw(scenario, t, 42, config).intended for t in range(30)]

    assert intended(None) == intended(InjectionConfig(0.5)) == intended(InjectionConfig(1, seed=9))


def test_other_injection_seeds_choose_other_trials():
    places = {seed: [is_wrong(t, 0.2, seed) for t in range(50)] for seed in range(20)}
    assert len({tuple(wrong) for wrong in places.values()}) == 20


def test_conditions_share_items_of_a_scenario_with_dice_of_its_own():
    scenario, items = OldScenario(random.random), Items()
    assert listed(scenario, items=items) == listed(scenario, items=items)


def test_ids_say_nothing_about_the_truth():
    scenario = EmailDraftScenario()
    items = Items()
    clean = [items.draw(scenario, t, 42, None).proposed.id for t in range(30)]
    wrong = [items.draw(scenario, t, 42, InjectionConfig(1.0)).proposed.id for t in range(30)]
    assert clean == wrong
    assert len(set(clean)) == 30


def test_what_cannot_be_injected_is_labelled_clean():
    config = InjectionConfig(1.0, [InjectionType.WRONG_RECORD_ID])
    item = Items().draw(EmailDraftScenario(), 0, 42, config)
    assert not item.label.injected
    assert item.proposed is item.intended


@given(rate=st.integers(0, 100), seed=st.integers(0, 10**6), blocks=st.integers(1, 6))
def test_mistakes_are_counted_out_not_tossed_for(rate, seed, blocks):
    count = sum(is_wrong(trial, rate / 100, seed) for trial in range(10 * blocks))
    assert count == round(rate / 100 * 10 * blocks)


def test_places_within_a_block_are_all_taken_in_turn():
    """Each of ten places is wrong in a fifth of 500 blocks; 4 standard deviations are 36."""
    for place in range(10):
        count = sum(is_wrong(10 * block + place, 0.2, 1) for block in range(500))
        assert abs(count - 100) <= 36
