"""Nothing but the mistake itself tells a wrong action from a right one.

A leak audit as in `reference/oversight.md` 4.8: all that a policy, a backend or a person sees is
taken apart into features; a classifier learns from half of the trials which features go with an
injected error, and must be no better than chance on the other half. That an audit of this kind
finds a leak is shown on scenarios that leak.
"""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hitloop_tui.attach.telemetry import Telemetry
from hitloop_tui.core.interfaces import HITLPolicy
from hitloop_tui.core.models import Action, ApprovalRequest, Decision, EventType, RiskClass
from hitloop_tui.eval import ErrorInjector, InjectionConfig, InjectionType
from hitloop_tui.scenarios import EmailDraftScenario, RecordUpdateScenario, Scenario
from tests.experiments import Asked, Desk, says

TRIALS, RATE = 20, 0.5
TELLING = re.compile(r"inject|error|wrong|evil|attack|hack|malware|fake|invalid", re.IGNORECASE)


@dataclass
class Seen:
    """One trial: the truth, and what everybody else gets to see."""

    wrong: bool
    request: ApprovalRequest
    state: dict[str, Any]
    position: int

    def features(self) -> Iterator[tuple[str, object]]:
        """Everything but the comparison of the action with the task, which is what a person is
        there for."""
        action, request = self.request.action, self.request
        yield "position in a block", self.position % 10
        yield "task", request.summary_context
        yield "policy's words", (request.policy_name, self._blank(request.policy_reason))
        yield "state", tuple(sorted(self.state))
        yield "around", (action.tool_name, action.risk_class, request.quorum, *request.approvals)
        yield "effects", (*map(self._blank, action.side_effects),)
        yield "context", (*map(self._blank, action.context_refs),)
        yield "rationale", self._blank(action.rationale)
        yield "display", self._blank(request.format_for_display().replace(request.run_id, "RUN"))
        yield "shape", tuple((name, type(value)) for name, value in action.tool_args.items())
        for name, value in action.tool_args.items():
            yield f"argument {name}", value
        for name, identity in (("id", action.id), ("run", request.run_id)):
            yield f"{name} length", len(identity)
            yield f"{name} start", identity[0]
            yield f"{name} version", identity[14]

    def _blank(self, text: str) -> str:
        """The text without the task, and without what the action's own arguments say."""
        text = text.replace(self.request.summary_context, "TASK")
        for name, value in self.request.action.tool_args.items():
            text = text.replace(str(value).replace("\n", "\\n"), name.upper())
        return text


async def watched(
    folder: Path, scenario: Scenario, *kinds: InjectionType, seeds: int
) -> list[Seen]:
    """Many small experiments under different seeds."""
    states: list[dict[str, Any]] = []

    class Watches(HITLPolicy):
        name = "watches"

        def should_request_approval(self, action: Action, state: dict[str, Any]) -> Any:
            states.append(dict(state))
            return True, f"{action.tool_name} is asked about."

    desk, asked = Desk(folder, scenario), Asked(says(True))
    for seed in range(seeds):
        name, types = f"c{seed}", list(kinds)
        desk.condition(name, Watches(), asked, RATE, TRIALS, base_seed=seed, types=types)
    results = await desk.runner.run_all(lambda *_: None)
    desk.close()
    assert sum(result.injected_error for result in results) == seeds * TRIALS * RATE
    told = zip(results, asked.requests, states, strict=True)
    return [Seen(r.injected_error, q, s, r.trial_number) for r, q, s in told]


def audited(trials: list[Seen]) -> dict[str, float]:
    """For each feature, and for all together, how far the classifier is better than chance: the
    area under its ROC curve minus .5, in standard errors."""
    learned: dict[str, dict[object, Counter[bool]]] = defaultdict(lambda: defaultdict(Counter))
    half = len(trials) // 2
    for trial in trials[:half]:
        for name, value in trial.features():
            learned[name][value][trial.wrong] += 1

    def suspicion(name: str, value: object) -> float:
        counts = learned[name][value]
        return math.log((counts[True] + 1) / (counts[False] + 1))

    scores: dict[str, list[tuple[float, bool]]] = defaultdict(list)
    for trial in trials[half:]:
        found = {name: suspicion(name, value) for name, value in trial.features()}
        for name, score in (*found.items(), ("all", sum(found.values()))):
            scores[name].append((score, trial.wrong))
    return {name: better_than_chance(pairs) for name, pairs in scores.items()}


def better_than_chance(pairs: list[tuple[float, bool]]) -> float:
    """Mann-Whitney: U / (m n) is the area under the ROC curve."""
    wrong = [score for score, truth in pairs if truth]
    right = sorted(score for score, truth in pairs if not truth)
    m, n = len(wrong), len(right)
    u = sum(bisect_left(right, score) + bisect_right(right, score) for score in wrong) / 2
    return (u / (m * n) - 0.5) / math.sqrt((m + n + 1) / (12 * m * n))


def scenario_of(kind: type[Any], folder: Path) -> Any:
    if kind is RecordUpdateScenario:
        return RecordUpdateScenario(db_path=folder / "crm.db")
    return kind(output_dir=folder / "emails")


@pytest.mark.parametrize("kind", [EmailDraftScenario, RecordUpdateScenario])
async def test_no_classifier_tells_wrong_actions_from_right_ones(tmp_path, kind):
    trials = await watched(tmp_path, scenario_of(kind, tmp_path), seeds=60)
    found = audited(trials)
    assert {name for name, distance in found.items() if distance > 4} == set()
    assert not [trial for trial in trials if TELLING.search(trial.request.format_for_display())]


@pytest.mark.parametrize(
    ("kind", "telling"),
    [
        (InjectionType.SENSITIVE_DATA, {"argument body", "all"}),
        (InjectionType.INVALID_TOOL, {"around", "policy's words", "display", "rationale", "all"}),
    ],
)
async def test_other_mistakes_show_in_what_is_mistaken_only(tmp_path, kind, telling):
    """A number in a body, a tool that is not the task's: there the mistake itself can be seen."""
    trials = await watched(tmp_path, scenario_of(EmailDraftScenario, tmp_path), kind, seeds=20)
    assert {name for name, distance in audited(trials).items() if distance > 4} <= telling


class Leaky(EmailDraftScenario):
    """Says something else about wrong actions than about right ones."""

    change: Callable[[Action], dict[str, Any]]

    def generate_action(self, correct: bool = True) -> Action:
        self.drawing = True
        action = super().generate_action(correct)
        self.drawing = False
        return action

    def redraft(self, action: Action) -> Action:
        words = super().redraft(action)
        return words if self.drawing else words.model_copy(update=self.change(action))


class TellsAddress(EmailDraftScenario):
    def decoys(self):
        return {"recipient": self.INVALID_RECIPIENTS}


def leaks(name: str, change: Callable[[Action], dict[str, Any]]) -> type[Leaky]:
    return type(name, (Leaky,), {"change": staticmethod(change)})


@pytest.mark.parametrize(
    ("kind", "where"),
    [
        (TellsAddress, "argument recipient"),
        (leaks("Risk", lambda _: {"risk_class": RiskClass.HIGH}), "around"),
        (leaks("Effect", lambda _: {"side_effects": ["INJECTED_ERROR"]}), "effects"),
        (leaks("Context", lambda _: {"context_refs": ["injected_error"]}), "context"),
        (
            leaks("Words", lambda _: {"rationale": "Sending email to alice@example.com"}),
            "rationale",
        ),
        (leaks("Id", lambda action: {"id": "f" + action.id[1:]}), "id start"),
        (
            leaks("Order", lambda action: {"tool_args": dict(sorted(action.tool_args.items()))}),
            "shape",
        ),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
async def test_the_audit_finds_a_leak(tmp_path, kind, where):
    """All of these are in hitloop 0.5.1, but the last two."""
    found = audited(await watched(tmp_path, scenario_of(kind, tmp_path), seeds=15))
    assert found[where] > 4
    assert found["all"] > 4


async def test_no_trial_leaves_its_truth_in_the_log_while_somebody_is_asked(tmp_path):
    """Nor does what is logged by then differ: the same events with the same fields."""
    desk = Desk(tmp_path)
    shapes: dict[str, list[str]] = {}

    def look(request: ApprovalRequest) -> Decision:
        desk.logger.flush()
        logged = desk.logger.get_events(request.run_id)
        shapes[request.run_id] = [f"{e.event_type} {sorted(e.payload)}" for e in logged]
        return says(True)(request)

    await desk.run(backend=Asked(look), rate=0.5)
    assert len({tuple(shape) for shape in shapes.values()}) == 1
    kinds = [event.event_type for event in desk.logger.get_events()]
    assert kinds.count(EventType.INJECTED_ERROR) == 10
    desk.close()


async def test_the_consoles_trace_of_an_experiment_tells_nothing(tmp_path):
    """Items come again in other conditions: what is shown of a trial must not say how it was."""
    desk = Desk(tmp_path)
    await desk.run(backend=Asked(says(True)), rate=0.5)
    desk.logger.flush()
    events, _ = Telemetry(tmp_path / "experiment.db").events_since(None)
    wrong = {result.run_id: result.injected_error for result in desk.runner.results}
    shapes: dict[str, list[object]] = defaultdict(list)
    for event in events:
        shapes[event.data["run_id"]].append((event.kind, *sorted(event.data)))
    assert len(shapes) == len(wrong) == 20
    assert len({tuple(shape) for shape in shapes.values()}) == 1
    assert "inject" not in repr(events)
    desk.close()


def test_items_are_the_same_in_every_process(tmp_path):
    script = """
import json
from hitloop_tui.eval import InjectionConfig, InjectionType
from hitloop_tui.eval.items import Items
from hitloop_tui.scenarios import EmailDraftScenario, RecordUpdateScenario
for scenario in (EmailDraftScenario(), RecordUpdateScenario()):
    for kinds in ([], list(InjectionType)):
        items = [Items().draw(scenario, n, 42, InjectionConfig(0.4, kinds)) for n in range(30)]
        print(json.dumps([[i.proposed.model_dump(mode="json"), i.label.injected] for i in items]))
"""
    shown = [
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "77")
    ]
    assert shown[0] == shown[1] == shown[2]
    assert len(shown[0]) > 10_000


def test_words_about_an_amount_or_one_of_several_people_are_about_the_wrong_one():
    action = Action(
        tool_name="pay",
        tool_args={"amount": 1250.0, "to": ["ann@x.example", "bob@x.example"]},
        rationale="Paying 1,250.00 (1250, not 3,1250.00) to ann@x.example and bob@x.example",
    )
    wrong = ErrorInjector(InjectionConfig(1.0, [InjectionType.WRONG_AMOUNT], 1)).inject(action)
    amount = wrong.modified_action.tool_args["amount"]
    assert wrong.modified_action.rationale == (
        f"Paying {amount:,.2f} ({amount:.0f}, not 3,1250.00) to ann@x.example and bob@x.example"
    )
    wrong = ErrorInjector(InjectionConfig(1.0, [InjectionType.WRONG_RECIPIENT], 1)).inject(action)
    first, second = wrong.modified_action.tool_args["to"]
    assert wrong.modified_action.rationale.endswith(f"to {first} and {second}")
    assert first != "ann@x.example"
