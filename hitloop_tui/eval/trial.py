"""One trial: an Action is proposed, perhaps somebody is asked, perhaps it runs."""

from __future__ import annotations

import inspect
import time
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hitloop_tui.core.interfaces import (
    ApprovalCancelledError,
    ApprovalTimeoutError,
    PolicyVerdict,
    policy_verdict,
)
from hitloop_tui.core.models import Action, ApprovalRequest, Decision, ToolResult
from hitloop_tui.eval.conditions import ExperimentCondition
from hitloop_tui.eval.held_back import HeldBack
from hitloop_tui.eval.items import Item
from hitloop_tui.eval.outcomes import Outcome, actor_kind, outcome_of

CHANNEL = "experiment"


@dataclass
class TrialResult:
    """What happened in one trial."""

    run_id: str
    condition_id: str
    trial_number: int
    seed: int
    success: bool = False
    """The right thing was done. A mistake that was stopped is no success, only no harm."""
    injected_error: bool = False
    error_caught: bool = False
    """Somebody rejected the wrong Action, or edited the mistake away."""
    approval_requested: bool = False
    approval_granted: bool = True
    execution_error: str | None = None
    outcome: Outcome = Outcome.UNASKED
    executed: bool = False
    """A tool was called."""
    escaped: bool = False
    """The wrong Action ran."""
    tool_failed: bool = False
    item_id: str = ""
    injection_type: str | None = None
    policy_name: str = ""
    operator: str = ""
    """Who answered."""
    actor_kind: str = ""
    human_latency_ms: float | None = None
    proposed_digest: str = ""
    executed_digest: str | None = None

    def details(self) -> dict[str, Any]:
        """For the log: all that the log does not say elsewhere."""
        told = ("run_id", "condition_id", "success", "seed")
        return {key: value for key, value in vars(self).items() if key not in told}


class Trial:
    """Plays one item under one condition, and writes down what happens in `result` and `log`."""

    def __init__(self, condition: ExperimentCondition, result: TrialResult, log: HeldBack) -> None:
        self.condition = condition
        self.result = result
        self.log = log

    async def play(self, item: Item) -> None:
        result, scenario = self.result, self.condition.scenario
        result.injected_error = item.label.injected
        result.injection_type = item.label.injection_type
        result.item_id, result.proposed_digest = item.proposed.id, item.digest
        for call in item.llm_calls:
            self.log.log_llm_call(result.run_id, **call)
        self.log.log_action_proposed(result.run_id, item.proposed, item.label.injected)
        state = {**scenario.get_initial_state(), "run_id": result.run_id}
        # A copy of one's own: what a policy or backend does to it must not reach other conditions.
        shown = _own(item.proposed)
        verdict = policy_verdict(self.condition.policy, shown, state)
        if verdict.outcome == "ask":
            decision = await self._ask(shown, item.brief, verdict)
        else:
            decision = self._decided_by_policy(shown, verdict)
        executed = _as_decided(item.proposed, decision)
        still_wrong = result.injected_error and not _corrected(item, executed)
        result.approval_granted = decision.approved
        result.error_caught = result.injected_error and (
            result.outcome.stopped or (result.outcome is Outcome.EDIT and not still_wrong)
        )
        if decision.approved:
            same = executed is item.proposed
            result.executed_digest = item.digest if same else executed.digest()
            done = await self._run(executed)
            result.escaped = still_wrong and result.executed
            wanted = same or scenario.achieves(item.intended, executed)
            result.success = done and wanted and not still_wrong

    def _decided_by_policy(self, action: Action, verdict: PolicyVerdict) -> Decision:
        """The policy's own yes or no, logged as a gate logs it."""
        decision = Decision(
            action_id=action.id,
            approved=verdict.outcome == "auto_approve",
            reason=verdict.reason,
            decided_by=f"policy:{self.condition.policy.name}",
            digest=self.result.proposed_digest,
        )
        if not decision.approved:
            self.result.outcome = Outcome.REFUSED
        self.log.log_approval_decided(self.result.run_id, decision, "auto")
        return decision

    async def _ask(self, action: Action, brief: str, verdict: PolicyVerdict) -> Decision:
        result = self.result
        result.approval_requested, result.approval_granted = True, False
        result.outcome = Outcome.OPEN
        request = ApprovalRequest(
            run_id=result.run_id,
            action=action,
            summary_context=brief,
            policy_name=self.condition.policy.name,
            policy_reason=verdict.reason,
            quorum=verdict.people,
        )
        self.log.log_approval_requested(result.run_id, request, CHANNEL)
        asked = time.perf_counter()
        decision = await self._of_all(request)
        if not decision.latency_ms:
            waited = (time.perf_counter() - asked) * 1000
            decision = decision.model_copy(update={"latency_ms": waited})
        self.log.log_approval_decided(result.run_id, decision, CHANNEL)
        result.outcome = outcome_of(decision)
        result.operator, result.actor_kind = decision.decided_by, actor_kind(decision.decided_by)
        if result.outcome.decided:
            result.human_latency_ms = decision.latency_ms
        return decision

    async def _of_all(self, request: ApprovalRequest) -> Decision:
        """The answer of as many different people as must agree; the first no is the answer."""
        decision = await self._answer(request)
        for _ in range(1, request.quorum):
            if not decision.approved or decision.edited_args is not None:
                return decision
            people = list(dict.fromkeys([*request.approvals, decision.decided_by]))
            request = request.model_copy(update={"approvals": people})
            decision = await self._answer(request)
        people = list(dict.fromkeys([*request.approvals, decision.decided_by]))
        if not decision.approved or request.quorum == 1:
            return decision
        if len(people) < request.quorum:
            return _unanswered(request, "quorum", f"{request.quorum} people must approve.")
        return decision.model_copy(update={"approvals": people})

    async def _answer(self, request: ApprovalRequest) -> Decision:
        """The backend's answer. None at all means no, but is nobody's no."""
        try:
            return await self.condition.backend.request_approval(request)
        except (ApprovalTimeoutError, TimeoutError) as error:
            why, text = "timeout", str(error)
        except ApprovalCancelledError as error:
            why, text = "cancelled", str(error)
        except Exception as error:
            self.log.log_error(self.result.run_id, error, {"phase": "approval"})
            self.result.execution_error = str(error)
            why, text = "error", f"{type(error).__name__}: {error}"
        return _unanswered(request, why, text)

    async def _run(self, action: Action) -> bool:
        """Call the tool; whether the scenario takes its result for a success."""
        result, scenario = self.result, self.condition.scenario
        outcome = ToolResult(action_id=action.id, success=False)
        self.log.log_tool_execution_start(result.run_id, action)
        valid = False
        try:
            returned = await _call(scenario.get_tools(), action)
            result.executed = True
            valid = scenario.validate_result(returned).success
            failed = isinstance(returned, dict) and returned.get("success") is False
            outcome.success, outcome.result = not failed, returned
            outcome.error = str(returned.get("error")) if failed else None
        except Exception as error:
            result.executed = not isinstance(error, UnknownTool)
            result.execution_error = str(error)
            outcome.error, outcome.error_class = str(error), type(error).__name__
            self.log.log_error(result.run_id, error, {"phase": "execution"})
        outcome.finished_at = datetime.now(UTC)
        result.tool_failed = not outcome.success
        self.log.log_tool_execution_end(result.run_id, outcome)
        return valid


def _unanswered(request: ApprovalRequest, why: str, text: str) -> Decision:
    return Decision(
        action_id=request.action.id,
        approved=False,
        reason=text,
        tags=[why],
        decided_by=f"system:{why}",
    )


class UnknownTool(LookupError):
    """The scenario has no tool of this name."""


async def _call(tools: dict[str, Any], action: Action) -> Any:
    if action.tool_name not in tools:
        raise UnknownTool(f"Unknown tool: {action.tool_name}")
    returned = tools[action.tool_name](**deepcopy(action.tool_args))
    return await returned if inspect.isawaitable(returned) else returned


def _own(action: Action) -> Action:
    """A copy that shares nothing that can be changed."""
    lists = {"side_effects": [*action.side_effects], "context_refs": [*action.context_refs]}
    return action.model_copy(update={"tool_args": deepcopy(action.tool_args), **lists})


def _as_decided(proposed: Action, decision: Decision) -> Action:
    """What an approval lets run: the arguments as edited, or exactly what was proposed."""
    if not decision.approved or decision.edited_args is None:
        return proposed
    return proposed.model_copy(update={"tool_args": decision.edited_args})


def _corrected(item: Item, executed: Action) -> bool:
    """Whether nothing is left of the mistake."""
    intended, fields = item.intended, item.label.wrong_fields
    return executed.tool_name == intended.tool_name and all(
        executed.tool_args.get(key) == intended.tool_args.get(key) for key in fields
    )
