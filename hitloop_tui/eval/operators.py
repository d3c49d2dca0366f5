"""Operators made of dice, for experiments without people and to check the analysis itself."""

from __future__ import annotations

import random
from collections.abc import Callable
from math import exp, log

from hitloop_tui.core.interfaces import ApprovalBackend
from hitloop_tui.core.models import ApprovalRequest, Decision

FindFault = Callable[[ApprovalRequest], str | None]


class SimulatedOperator(ApprovalBackend):
    """Looks at a request as a person would, and sometimes errs.

    Equal-variance signal detection: evidence is normal around +d'/2 where `find_fault` objects and
    around -d'/2 where it does not; above `criterion` the operator rejects. So
    P(reject | fault) = Phi(d'/2 - c) and P(reject | clean) = Phi(-d'/2 - c).
    Latencies are log-normal around `median_ms`; they are reported, not slept. A share `absence` of
    requests is never answered.

    The dice are thrown per Action from `seed`: the same request gets the same answer in whatever
    order requests come.
    """

    def __init__(
        self,
        find_fault: FindFault,
        sensitivity: float = 2.0,
        criterion: float = 0.5,
        median_ms: float = 1200.0,
        spread: float = 0.5,
        absence: float = 0.0,
        seed: int | None = None,
        name: str = "operator",
    ) -> None:
        self.find_fault = find_fault
        self.sensitivity = sensitivity
        self.criterion = criterion
        self.median_ms = median_ms
        self.spread = spread
        self.absence = absence
        self.seed = seed
        self.name = name

    async def request_approval(self, request: ApprovalRequest) -> Decision:
        dice = random.Random(f"{self.seed}:{self.name}:{request.action.id}")
        latency_ms = exp(log(self.median_ms) + self.spread * dice.gauss())
        evidence = dice.gauss()
        if dice.random() < self.absence:
            return Decision(
                action_id=request.action.id,
                approved=False,
                reason="Nobody answered in time.",
                tags=["timeout"],
                decided_by="system:timeout",
                latency_ms=latency_ms,
            )
        fault = self.find_fault(request)
        evidence += self.sensitivity / 2 if fault else -self.sensitivity / 2
        approved = evidence <= self.criterion
        return Decision(
            action_id=request.action.id,
            approved=approved,
            reason="Looks right." if approved else fault or "Looks wrong.",
            decided_by=f"simulated:{self.name}",
            latency_ms=latency_ms,
        )
