"""One action, step by step: policy, question, tool, telemetry. No graph.

python agents/basic_workflow.py           asks on this terminal
python agents/basic_workflow.py --auto    approves by itself
"""

import argparse
import asyncio
from datetime import UTC, datetime

from hitloop_tui import (
    Action,
    ApprovalBackend,
    ApprovalRequest,
    CLIBackend,
    Decision,
    RiskBasedPolicy,
    RunMetadata,
    TelemetryLogger,
    ToolResult,
)
from hitloop_tui.backends import AutoApproveBackend
from hitloop_tui.scenarios import EmailDraftScenario

RUN = RunMetadata(scenario_id="email_draft", condition_id="basic_example")

policy = RiskBasedPolicy(require_approval_for_medium=True, high_risk_tools=["send_email"])
scenario = EmailDraftScenario(output_dir="example_output/emails")
logger = TelemetryLogger(":memory:")


async def decide(action: Action, backend: ApprovalBackend) -> Decision:
    """The policy's yes, or a person's answer."""
    needed, reason = policy.should_request_approval(action, {"run_id": RUN.run_id})
    print(f"Approval needed: {needed} ({reason})")
    if not needed:
        return Decision(
            action_id=action.id, approved=True, reason=reason, decided_by=f"policy:{policy.name}"
        )
    request = ApprovalRequest(
        run_id=RUN.run_id,
        action=action,
        summary_context=scenario.get_brief(action),
        policy_name=policy.name,
        policy_reason=reason,
    )
    logger.log_approval_requested(RUN.run_id, request, "cli")
    decision = await backend.request_approval(request)
    logger.log_approval_decided(RUN.run_id, decision, "cli")
    return decision


def execute(action: Action) -> bool:
    logger.log_tool_execution_start(RUN.run_id, action)
    ran = ToolResult(action_id=action.id, success=True)
    result = scenario.get_tools()[action.tool_name](**action.tool_args)
    ran.finished_at = datetime.now(UTC)
    logger.log_tool_execution_end(RUN.run_id, ran)
    validation = scenario.validate_result(result)
    print(f"Result: {result['message']}, kept in {result['file']}")
    print(f"Validation: {validation.reason}")
    return validation.success


async def run_workflow(auto_approve: bool) -> None:
    logger.log_run_start(RUN)
    action = scenario.generate_action()
    print(f"Proposed action: {action.summary()}")
    logger.log_action_proposed(RUN.run_id, action)
    decision = await decide(action, AutoApproveBackend() if auto_approve else CLIBackend())
    answer = "APPROVED" if decision.approved else "REJECTED"
    print(f"Decision: {answer} by {decision.decided_by} after {decision.latency_ms:.1f} ms")
    logger.log_run_end(RUN.run_id, decision.approved and execute(action))
    print(f"Trace: {', '.join(event.event_type for event in logger.get_events(RUN.run_id))}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Basic workflow with a person in it")
    parser.add_argument("--auto", action="store_true", help="approve without asking")
    asyncio.run(run_workflow(parser.parse_args().auto))
    scenario.close()
    logger.close()


if __name__ == "__main__":
    main()
