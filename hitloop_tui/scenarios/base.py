"""What a scenario must be able to do, and what it may add so that an experiment on it is sound."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hitloop_tui.core.models import Action, ApprovalRequest, RiskClass


@dataclass
class ScenarioConfig:
    """What a scenario is called and what it expects of the agent."""

    scenario_id: str
    name: str
    description: str = ""
    expected_tool: str = ""
    expected_args: dict[str, Any] = field(default_factory=dict)
    risk_class: RiskClass = RiskClass.LOW
    side_effects: list[str] = field(default_factory=list)
    seed: int | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass
class ValidationResult:
    """Whether the task was done, and why or why not."""

    success: bool
    reason: str
    details: dict[str, Any] = field(default_factory=dict)


class Scenario(ABC):
    """A task with its tools.

    Four things must be written: `name`, `get_tools`, `generate_action`, `validate_result`. The rest
    has defaults. Nothing a scenario puts into an Action may depend on whether the Action is right:
    risk class, side effects, rationale and context follow from tool and arguments alone.
    """

    _rng: random.Random

    def __init__(self, config: ScenarioConfig) -> None:
        self.config = config
        self._rng = random.Random(config.seed)
        self._llm_calls: list[dict[str, Any]] = []

    @property
    @abstractmethod
    def name(self) -> str:
        """The scenario's name."""

    @abstractmethod
    def get_tools(self) -> dict[str, Callable[..., Any]]:
        """The tools by name, sync or async."""

    @abstractmethod
    def generate_action(self, correct: bool = True) -> Action:
        """What the agent might propose, drawn from `self._rng`; a wrong one if not `correct`."""

    @abstractmethod
    def validate_result(self, result: dict[str, Any]) -> ValidationResult:
        """Whether a tool's result means that the task was done."""

    def get_initial_state(self) -> dict[str, Any]:
        return {"scenario_id": self.config.scenario_id, "messages": []}

    def get_task_description(self) -> str:
        return self.config.description or f"Complete the {self.name} scenario"

    def reset(self) -> None:  # noqa: B027 - an optional hook
        """Forget what the run before has done."""

    def close(self) -> None:  # noqa: B027 - an optional hook
        """Release what the scenario holds."""

    def reseed(self, seed: int | str) -> None:
        """Start `self._rng` anew: the Actions that follow depend on `seed` alone."""
        self._rng = random.Random(seed)

    def get_brief(self, intended: Action) -> str:
        """What the person is told about the task, enough to judge any proposal against it.

        `intended` is the right Action, also when the person is shown a wrong one.
        """
        return self.get_task_description()

    def redraft(self, action: Action) -> Action:
        """`action` with the words an agent would have put around these very arguments.

        Called on wrong Actions, so that a rationale written for the right one does not give them
        away.
        """
        return action

    def decoys(self) -> Mapping[str, Sequence[Any]]:
        """Believable wrong values by argument name; without them near misses are made up."""
        return {}

    def achieves(self, intended: Action, executed: Action) -> bool:
        """Whether running `executed` is as good as running `intended`."""
        return executed.digest() == intended.digest()

    def find_fault(self, request: ApprovalRequest) -> str | None:
        """What a careful reader of the request would object to.

        Simulated operators judge by this. It sees what a person sees and nothing else.
        """
        return None

    def report_llm_call(self, **details: Any) -> None:
        """Note an LLM call of `generate_action`, with the arguments of `log_llm_call`."""
        self._llm_calls.append(details)

    def take_llm_calls(self) -> list[dict[str, Any]]:
        """The calls noted since the last time."""
        taken, self._llm_calls = self._llm_calls, []
        return taken
