"""The Actions of an experiment: the same for the same seed, in every condition."""

from __future__ import annotations

import hashlib
import random
import uuid
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from hitloop_tui.core.models import Action
from hitloop_tui.eval.injectors import ErrorInjector, InjectionConfig, InjectionResult
from hitloop_tui.scenarios.base import Scenario

BLOCK = 10
"""Mistakes are dealt out in shuffled blocks: at a rate of 0.2, two of every ten Actions. Tossing a
coin for each would leave one experiment of 20 Actions in 87 without any (0.8**20)."""


@dataclass(frozen=True, slots=True)
class Item:
    """One proposed Action, with the truth about it."""

    trial: int
    intended: Action
    """The right Action."""
    proposed: Action
    """What is shown; the right Action or a wrong one, under the same id."""
    label: InjectionResult
    brief: str
    digest: str
    """Of what is proposed."""
    llm_calls: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class _Intention:
    scenario: Scenario
    """Kept alive: its id is a key."""
    action: Action
    brief: str
    llm_calls: tuple[dict[str, Any], ...]


class Items:
    """Draws items once, so that conditions share them whatever dice a scenario uses.

    Content, mistakes and ids come from streams of their own: another injection rate or seed leaves
    the right Actions as they are.
    """

    def __init__(self) -> None:
        self._intentions: dict[tuple[int, int, int], _Intention] = {}
        self._items: dict[tuple[object, ...], Item] = {}

    def draw(
        self, scenario: Scenario, trial: int, base_seed: int, config: InjectionConfig | None
    ) -> Item:
        place = (id(scenario), base_seed, trial)
        key = (*place, config and (config.injection_rate, *config.injection_types, config.seed))
        found = self._items.get(key)
        if found is None:
            intention = self._intentions.get(place)
            if intention is None:
                intention = self._intentions[place] = _intention(scenario, trial, base_seed)
            label = _label(scenario, intention.action, trial, base_seed, config)
            found = self._items[key] = _item(trial, intention, label)
        return found


def _item(trial: int, intention: _Intention, label: InjectionResult) -> Item:
    proposed = label.modified_action or intention.action
    return Item(
        trial=trial,
        intended=intention.action,
        proposed=proposed,
        label=label,
        brief=intention.brief,
        digest=proposed.digest(),
        llm_calls=intention.llm_calls,
    )


def is_wrong(trial: int, rate: float, seed: int) -> bool:
    """Whether the Action of this trial gets a mistake."""
    block, place = divmod(trial, BLOCK)
    return place in _wrong_places(block, rate, seed)


def stream(*words: object) -> int:
    """The seed of a stream of its own: nearby words give unrelated numbers of 128 bits."""
    text = ":".join(map(str, words))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest())


@lru_cache(maxsize=1024)
def _wrong_places(block: int, rate: float, seed: int) -> frozenset[int]:
    count = round(rate * BLOCK * (block + 1)) - round(rate * BLOCK * block)
    dice = random.Random(stream(seed, "block", block))
    return frozenset(dice.sample(range(BLOCK), count))


def _intention(scenario: Scenario, trial: int, base_seed: int) -> _Intention:
    scenario.reseed(stream(base_seed, "content", trial))
    drawn = scenario.generate_action(correct=True)
    number = stream(base_seed, scenario.config.scenario_id, "id", trial)
    action = drawn.model_copy(update={"id": str(uuid.UUID(int=number, version=4))})
    brief, calls = scenario.get_brief(action), tuple(scenario.take_llm_calls())
    return _Intention(scenario, action, brief, calls)


def _label(
    scenario: Scenario,
    intended: Action,
    trial: int,
    base_seed: int,
    config: InjectionConfig | None,
) -> InjectionResult:
    if config is None:
        return InjectionResult(injected=False, original_action=intended)
    seed = base_seed if config.seed is None else config.seed
    if not is_wrong(trial, config.injection_rate, seed):
        return InjectionResult(injected=False, original_action=intended)
    dice = stream(seed, "injection", trial)
    own = InjectionConfig(config.injection_rate, config.injection_types, dice)
    return ErrorInjector(own, scenario.decoys(), scenario.redraft).inject(intended)
