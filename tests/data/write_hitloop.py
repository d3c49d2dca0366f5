"""Writes `hitloop-0.5.1.sqlite`: telemetry as hitloop 0.5.1 itself writes it.

PYTHON-WITH-HITLOOP-0.5.1 tests/data/write_hitloop.py
"""

from pathlib import Path

from hitloop.core.logger import TelemetryLogger
from hitloop.core.models import (
    Action,
    ApprovalRequest,
    Decision,
    RiskClass,
    RunMetadata,
    ToolResult,
)

HERE = Path(__file__).parent


def main() -> None:
    path = HERE / "hitloop-0.5.1.sqlite"
    path.unlink(missing_ok=True)
    logger = TelemetryLogger(path)
    about = RunMetadata(run_id="old-1", scenario_id="mail", condition_id="c", model="m", seed=42)
    action = Action(
        id="a1",
        tool_name="send_email",
        tool_args={"to": "dana@halden.example"},
        risk_class=RiskClass.HIGH,
        side_effects=["email_sent", "INJECTED_ERROR"],
    )
    logger.log_run_start(about)
    logger.log_llm_call("old-1", tokens_in=12, tokens_out=3, latency_ms=84.0, model="m")
    logger.log_action_proposed("old-1", action, injected_error=True)
    logger.log_approval_requested("old-1", ApprovalRequest(run_id="old-1", action=action), "cli")
    decision = Decision(action_id="a1", approved=False, decided_by="human:ann", latency_ms=1250.0)
    logger.log_approval_decided("old-1", decision, "cli")
    logger.log_tool_execution_start("old-1", action)
    logger.log_tool_execution_end("old-1", ToolResult(action_id="a1", success=True))
    logger.log_error("old-1", ValueError("boom"), {"phase": "tool"})
    logger.log_run_end("old-1", success=False, validation_details={"why": "stopped"})
    logger.log_run_start(RunMetadata(run_id="old-2"))
    logger.close()


if __name__ == "__main__":
    main()
