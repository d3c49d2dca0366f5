"""The pages of `webhook_server`, as text. Every text of an agent or a person is escaped here."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape
from typing import Any
from urllib.parse import quote

from hitloop_tui.agents.webhook_style import STYLE
from hitloop_tui.backends.card import hidden_warning, json_lines
from hitloop_tui.core.models import ApprovalRequest, RiskClass
from hitloop_tui.persistence import Outcome, PendingApprovalRecord, Resolution
from hitloop_tui.safetext import safe, safe_lines

ARGUMENTS_SHOWN = 120
"""Characters of them in the list."""

_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # no-referrer would make our own forms' Origin null
    "Cache-Control": "no-store",
}
"""No scripts, no frames around it, and its address, which holds the callback id, is told to
no other site."""

FORM = """
<form method="post">
<button disabled hidden></button>
<input type="hidden" name="token" value="{token}">
<label>Your name <input name="user" required maxlength="200" autocomplete="name"></label>
<label>Reason <small>optional</small> <input name="reason" maxlength="4000" autocomplete="off">
</label>
<div class="verdicts">
<button class="no" name="verdict" value="reject">Reject</button>
<button class="yes" name="verdict" value="approve">Approve</button>
</div>
</form>
"""
"""The Enter key presses a form's first button: here one that does nothing."""


def review_page(record: PendingApprovalRecord, token: str) -> str:
    """The request and two buttons."""
    request = record.to_request()
    action = request.action
    warning = hidden_warning(request)
    return _page(
        "Approval request",
        f"<article><h1><code>{_text(action.tool_name)}</code> {_risk(action.risk_class)}</h1>",
        _times(record),
        f'<p class="warning">{escape(warning)}</p>' if warning else "",
        _section("Policy " + request.policy_name, [request.policy_reason]),
        f"<h2>Arguments</h2><pre>{escape(chr(10).join(json_lines(action.tool_args)))}</pre>",
        _section("Side effects, says the agent", action.side_effects),
        _section("Rationale, says the agent", [action.rationale]),
        _section("It refers to", action.context_refs),
        _section("Context", [request.summary_context]),
        _people(request),
        FORM.format(token=escape(token)),
        f"<footer>run {_text(request.run_id)}<br>action {_text(action.id)}"
        f"<br>arguments {action.args_hash()}</footer></article>",
    )


def list_page(waiting: list[PendingApprovalRecord]) -> str:
    """Links to everything that waits."""
    rows = "".join(f"<li>{_row(record)}</li>" for record in waiting)
    shown = f"<ul>{rows}</ul>" if rows else '<p class="nothing">Nothing waits.</p>'
    return _page("Waiting for approval", f"<h1>Waiting for approval</h1>{shown}")


def outcome_page(resolution: Resolution, *, tried: bool) -> str:
    """Where a request stands; `tried` when the reader has just answered it."""
    first = resolution.first
    if first is None:
        expired = resolution.outcome is Outcome.EXPIRED
        return message_page("This request has expired." if expired else "Not a known request.")
    decision = first.decision
    verb = "Approved" if decision.approved else "Rejected"
    lost = tried and not resolution.accepted
    return _page(
        verb,
        f'<article class="{"yes" if decision.approved else "no"}">',
        f"<h1>{'Already ' + verb.lower() if lost else verb}</h1>",
        f"<p>by <b>{_text(decision.decided_by)}</b> at {_moment(first.decided_at)}</p>",
        _section("Reason", [decision.reason]) if decision.reason != verb else "",
        "<p>Your answer was not recorded: the first one counts.</p>" if lost else "",
        "</article>",
    )


def message_page(text: str) -> str:
    return _page("Approval request", f"<article><p>{_text(text)}</p></article>")


def _page(title: str, *body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body>"
        f'<nav><a href="/">All requests</a></nav><main>{"".join(body)}</main></body></html>'
    )


def _text(text: str) -> str:
    return escape(safe(text))


def _row(record: PendingApprovalRecord) -> str:
    action = record.to_request().action
    return (
        f'<a href="/hitloop/callback/{quote(record.callback_id, safe="")}">'
        f"<b><code>{_text(action.tool_name)}</code></b> {_risk(action.risk_class)}"
        f"<small><code>{escape(_short(action.tool_args))}</code></small>"
        f"<small>{_text(record.policy_reason)}</small>{_times(record)}</a>"
    )


def _short(arguments: dict[str, Any]) -> str:
    """The arguments on one line; a cut says how much it hides."""
    line = " ".join(line.strip() for line in json_lines(arguments))
    hidden = len(line) - ARGUMENTS_SHOWN
    return line if hidden <= 0 else f"{line[:ARGUMENTS_SHOWN]}… +{hidden} characters"


def _section(title: str, texts: Iterable[str]) -> str:
    paragraphs = [f"<p>{'<br>'.join(map(escape, safe_lines(text)))}</p>" for text in texts if text]
    if not paragraphs:
        return ""
    return f"<h2>{_text(title.strip())}</h2><blockquote>{''.join(paragraphs)}</blockquote>"


def _risk(name: RiskClass) -> str:
    return f'<span class="risk {name}">{name} risk</span>'


def _people(request: ApprovalRequest) -> str:
    if request.quorum == 1:
        return ""
    title = f"{request.quorum} people must approve. So far:"
    return _section(title, request.approvals or ["nobody"])


def _times(record: PendingApprovalRecord) -> str:
    asked = f"asked at {_moment(record.created_at)}"
    until = f", open until {_moment(record.expires_at)}" if record.expires_at else ""
    return f'<p class="times">{asked}{until}</p>'


def _moment(moment: datetime) -> str:
    shown = moment.astimezone(UTC)
    return f'<time datetime="{shown.isoformat()}">{shown:%Y-%m-%d %H:%M:%S} UTC</time>'
