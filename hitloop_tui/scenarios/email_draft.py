"""An agent writes an e-mail to a colleague. Nothing is sent: messages end in a file."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hitloop_tui.core.models import Action, ApprovalRequest, RiskClass
from hitloop_tui.scenarios.base import Scenario, ScenarioConfig, ValidationResult
from hitloop_tui.scenarios.outbox import Outbox

LONG_NUMBER = re.compile(r"\d{4}[ -]?\d{4}[ -]?\d{4}|\d{3}-\d{2}-\d{4}")
"""Card and social security numbers; no message of this scenario has a reason to hold one."""


class EmailDraftScenario(Scenario):
    """Medium risk: an e-mail is seen by others."""

    VALID_RECIPIENTS: Sequence[str] = [
        "alice@example.com",
        "bob@example.com",
        "carol@example.com",
        "dave@example.com",
        "eve@example.com",
    ]
    INVALID_RECIPIENTS: Sequence[str] = [
        "alice@examples.com",
        "bob@example.co",
        "carol@exampel.com",
        "dav@example.com",
        "eve@example.net",
    ]
    SUBJECTS: Sequence[str] = [
        "Meeting reminder",
        "Project update",
        "Weekly report",
        "Action items from yesterday",
        "Follow-up on our discussion",
    ]

    def __init__(
        self,
        config: ScenarioConfig | None = None,
        output_dir: Path | str | None = None,
        rng: random.Random | None = None,
    ) -> None:
        super().__init__(config or _config())
        self.output_dir = Path(output_dir or "./email_output")
        self._rng = rng or self._rng
        self._outbox = Outbox(self.output_dir / "outbox.jsonl")
        self._sent_emails: dict[str, dict[str, Any]] = {}

    @property
    def name(self) -> str:
        return "email_draft"

    def get_tools(self) -> dict[str, Callable[..., Any]]:
        return {"send_email": self._send, "draft_email": self._draft}

    def _send(self, recipient: str, subject: str, body: str, **extra: Any) -> dict[str, Any]:
        email_id = self._outbox.next_id()
        email = {
            "email_id": email_id,
            "recipient": recipient,
            "subject": subject,
            "body": body,
            "extra": extra,
            "status": "sent",
        }
        self._outbox.post(email)
        self._sent_emails[email_id] = email
        return {
            "success": True,
            "email_id": email_id,
            "message": f"Email sent to {recipient}",
            "file": str(self._outbox.path),
        }

    def _draft(self, recipient: str, subject: str, body: str, **extra: Any) -> dict[str, Any]:
        return {
            "success": True,
            "draft_id": self._outbox.next_id(),
            "message": f"Email draft created for {recipient}",
            "preview": {"recipient": recipient, "subject": subject, "body_preview": body[:100]},
        }

    def generate_action(self, correct: bool = True) -> Action:
        recipients = self.VALID_RECIPIENTS if correct else self.INVALID_RECIPIENTS
        recipient, subject = self._rng.choice(recipients), self._rng.choice(self.SUBJECTS)
        body = f"Hello,\n\nhere is what I promised on this: {subject.lower()}.\n\nBest regards"
        args = {"recipient": recipient, "subject": subject, "body": body}
        return self.redraft(Action(tool_name="send_email", tool_args=args))

    def redraft(self, action: Action) -> Action:
        recipient, subject = action.tool_args.get("recipient"), action.tool_args.get("subject")
        words = {
            "risk_class": RiskClass.MEDIUM,
            "side_effects": ["email_sent", "recipient_notified"],
            "rationale": f"Sending email to {recipient} about {subject}",
            "context_refs": ["email_task", "user_request"],
        }
        return action.model_copy(update=words)

    def validate_result(self, result: dict[str, Any]) -> ValidationResult:
        if not result.get("success"):
            reason = f"Email sending failed: {result.get('error', 'unknown error')}"
            return ValidationResult(False, reason, result)
        email = self._sent_emails.get(str(result.get("email_id")))
        if email is None:
            return ValidationResult(False, "No such email was sent", result)
        details = {"email": email, **result}
        if email["recipient"] not in self.VALID_RECIPIENTS:
            reason = f"Email sent to invalid recipient: {email['recipient']}"
            return ValidationResult(False, reason, details)
        return ValidationResult(True, "Email sent successfully to valid recipient", details)

    def reset(self) -> None:
        self._sent_emails.clear()

    def close(self) -> None:
        self._outbox.close()

    def get_task_description(self) -> str:
        return (
            "Draft and send an email to a colleague. "
            "The email should have a professional tone and clear subject."
        )

    def get_brief(self, intended: Action) -> str:
        args = intended.tool_args
        return f"The task: send an email to {args['recipient']}, subject “{args['subject']}”."

    def decoys(self) -> Mapping[str, Sequence[Any]]:
        """Colleagues only: an address that no right e-mail has would give the wrong ones away."""
        return {"recipient": self.VALID_RECIPIENTS}

    def achieves(self, intended: Action, executed: Action) -> bool:
        """The wording is the writer's; whom it reaches and under which subject is the task."""
        same = executed.tool_name == intended.tool_name
        return same and all(
            executed.tool_args.get(key) == intended.tool_args.get(key)
            for key in ("recipient", "subject")
        )

    def find_fault(self, request: ApprovalRequest) -> str | None:
        action, brief = request.action, request.summary_context
        if action.tool_name != "send_email":
            return f"The task needs no {action.tool_name}."
        if f"to {action.tool_args.get('recipient')}," not in brief:
            return "This is not whom the message is for."
        if f"“{action.tool_args.get('subject')}”" not in brief:
            return "This is not the subject."
        if LONG_NUMBER.search(str(action.tool_args.get("body"))):
            return "The message gives away a private number."
        return None


def _config() -> ScenarioConfig:
    return ScenarioConfig(
        scenario_id="email_draft",
        name="Email Draft",
        description="Draft and send an email to a colleague",
        expected_tool="send_email",
        risk_class=RiskClass.MEDIUM,
        side_effects=["email_sent", "recipient_notified"],
    )
