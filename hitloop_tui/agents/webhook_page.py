"""The pages of `webhook_server`, as text. Every text of an agent or a person is escaped here."""

from __future__ import annotations

import base64
import hashlib
from html import escape

from hitloop_tui.backends.callbacks import sentence_of
from hitloop_tui.backends.card import card
from hitloop_tui.core.models import ApprovalRequest
from hitloop_tui.persistence import PendingApprovalRecord, Resolution
from hitloop_tui.safetext import safe

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem}"
    "pre{background:#f4f4f5;color:#18181b;padding:1rem;white-space:pre-wrap;overflow-wrap:anywhere}"
    "input{font:inherit;width:100%;padding:.4rem;margin-bottom:.8rem;box-sizing:border-box}"
    "button{font:inherit;font-weight:600;padding:.6rem 1.4rem;margin-right:1rem}"
)
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


def review_page(request: ApprovalRequest, token: str) -> str:
    """The request and two buttons."""
    return _page(
        "Approval request",
        f"<pre>{escape(card(request))}</pre>"
        '<form method="post">'
        f'<input type="hidden" name="token" value="{escape(token)}">'
        '<label>Your name<input name="user" required maxlength="200" autocomplete="name"></label>'
        '<label>Reason (optional)<input name="reason" maxlength="4000"></label>'
        '<button name="verdict" value="approve">Approve</button>'
        '<button name="verdict" value="reject">Reject</button>'
        "</form>",
    )


def list_page(waiting: list[PendingApprovalRecord]) -> str:
    """Links to everything that waits."""
    rows = "".join(
        f'<li><a href="/hitloop/callback/{escape(record.callback_id)}">'
        f"{escape(safe(record.tool_name))}</a> ({escape(safe(record.risk_class))})</li>"
        for record in waiting
    )
    return _page("Waiting for approval", f"<ul>{rows}</ul>" if rows else "<p>Nothing waits.</p>")


def outcome_page(resolution: Resolution) -> str:
    return message_page(sentence_of(resolution))


def message_page(text: str) -> str:
    return _page("Approval request", f"<p>{escape(safe(text))}</p>")


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head><body><h1>{title}</h1>{body}</body></html>"
    )
