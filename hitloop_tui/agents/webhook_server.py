"""A server that asks over HTTP: who decides is a person in a browser, curl, or a signed message.

    pip install 'hitloop-tui[server]'
    uvicorn hitloop_tui.agents.webhook_server:app --port 8000
    curl -X POST http://localhost:8000/test/request-approval

Then open the callback URL that is printed, or POST `{"approved": true, "user": "ann"}` to it.

Settings: `HITLOOP_WEBHOOK_SECRET` (`whsec_...`; messages must be signed then, and may come from
anywhere), `HITLOOP_APPROVALS` (a SQLite file, so that a restart loses nothing) and
`HITLOOP_CALLBACK_URL` (this server as seen from outside). Pages, curl and everything else that is
unsigned are for this machine only.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import click
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from hitloop_tui.agents import webhook_page
from hitloop_tui.backends import PersistentWebhookBackend, StandardWebhooks
from hitloop_tui.backends.callbacks import (
    MAX_BODY,
    MAX_TEXT,
    STATUS,
    json_object,
    reply_of,
    text_at,
)
from hitloop_tui.backends.card import card
from hitloop_tui.core.models import Action, ApprovalRequest, Decision, RiskClass
from hitloop_tui.errors import BadInput
from hitloop_tui.persistence import (
    ApprovalStore,
    InMemoryApprovalStore,
    PendingApprovalRecord,
    Resolution,
    SQLiteApprovalStore,
)
from hitloop_tui.safetext import safe

PATH = "/hitloop/callback"
TIMEOUT_SECONDS = 300.0


class Desk:
    """One server: its backend, what it waits for, and the token its own forms carry."""

    def __init__(self, store: ApprovalStore, secret: str | None, callback_url: str | None) -> None:
        self.signed_only = secret is not None
        self.fixed_url = callback_url is not None
        self.backend = PersistentWebhookBackend(
            self.send_to_console,
            store,
            TIMEOUT_SECONDS,
            callback_url or f"http://localhost:8000{PATH}",
            verifier=StandardWebhooks(secret) if secret else None,
        )
        self._key = secrets.token_bytes(32)
        self._waiting: set[asyncio.Future[Decision]] = set()

    async def send_to_console(self, request: ApprovalRequest, callback_id: str, url: str) -> None:
        """Put your Slack, Telegram or Discord call here."""
        click.echo(card(request))
        click.echo(f"In a browser: {url}")
        if not self.signed_only:
            curl = f"curl -X POST {url} -H 'Content-Type: application/json' -d"
            click.echo(f"""To approve:   {curl} '{{"approved": true, "user": "ann"}}'""")
            click.echo(f"""To reject:    {curl} '{{"approved": false, "user": "ann"}}'""")

    async def start(self) -> None:
        """Wait again for what an earlier run asked."""
        await self.backend.store.setup()
        for record in await self.backend.recover_pending():
            self.wait(self.backend.register_pending(record))

    async def stop(self) -> None:
        """What is undecided stays in the store."""
        for waiting in list(self._waiting):
            waiting.cancel()
        await self.backend.close()

    def wait(self, waiting: asyncio.Future[Decision]) -> None:
        self._waiting.add(waiting)
        waiting.add_done_callback(self._told)

    def token(self, record: PendingApprovalRecord) -> str:
        """Proves that a form is ours, and that it showed the request as it still is."""
        shown = f"{record.callback_id} {record.digest()}"
        return hmac.new(self._key, shown.encode(), hashlib.sha256).hexdigest()

    def _told(self, waiting: asyncio.Future[Decision]) -> None:
        self._waiting.discard(waiting)
        if not waiting.cancelled() and waiting.exception() is None:
            decision = waiting.result()
            verb = "approved" if decision.approved else "not approved"
            click.echo(f"Decision: {verb} by {safe(decision.decided_by)}: {safe(decision.reason)}")


def create_app(
    store: ApprovalStore | None = None, secret: str | None = None, callback_url: str | None = None
) -> FastAPI:
    """The application; `app` is the one with the settings of the environment."""
    desk = Desk(store or InMemoryApprovalStore(), secret, callback_url)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await desk.start()
        yield
        await desk.stop()

    app = FastAPI(
        title="hitloop-tui webhook server", lifespan=lifespan, docs_url=None, redoc_url=None
    )
    app.state.desk = desk
    app.middleware("http")(_guard)
    app.add_api_route("/", list_waiting, methods=["GET"])
    app.add_api_route("/pending", pending, methods=["GET"])
    app.add_api_route("/test/request-approval", test_request, methods=["POST"])
    app.add_api_route(PATH + "/{callback_id}", show, methods=["GET"])
    app.add_api_route(PATH + "/{callback_id}", callback, methods=["POST"])
    return app


async def list_waiting(request: Request) -> HTMLResponse:
    waiting = await _desk(request).backend.recover_pending()
    return HTMLResponse(webhook_page.list_page(waiting))


async def pending(request: Request) -> dict[str, Any]:
    waiting = await _desk(request).backend.recover_pending()
    shown = [
        {"callback_id": r.callback_id, "tool": r.tool_name, "risk": r.risk_class} for r in waiting
    ]
    return {"count": len(shown), "pending": shown}


async def test_request(request: Request) -> dict[str, str]:
    """What an agent would do: ask, and wait."""
    desk = _desk(request)
    if not desk.fixed_url:
        desk.backend.callback_base_url = str(request.base_url).rstrip("/") + PATH
    action = Action(
        tool_name="send_email",
        tool_args={
            "recipient": "ceo@example.com",
            "subject": "Urgent: Budget Approval",
            "body": "Please approve the Q4 budget of $1M",
        },
        risk_class=RiskClass.HIGH,
        side_effects=["email_sent"],
        rationale="User requested to send important email",
    )
    asked = ApprovalRequest(
        run_id="test-run-001",
        action=action,
        policy_name="risk_based",
        policy_reason="High-risk tool requires approval",
    )
    desk.wait(asyncio.create_task(desk.backend.request_approval(asked)))
    return {
        "status": "pending",
        "message": "Approval request sent. Check console for callback instructions.",
    }


async def show(request: Request, callback_id: str) -> HTMLResponse:
    desk = _desk(request)
    record = await desk.backend.store.get(callback_id)
    if record is None:
        return _outcome(await desk.backend.store.status(callback_id), tried=False)
    return HTMLResponse(webhook_page.review_page(record, desk.token(record)))


async def callback(request: Request, callback_id: str) -> Response:
    """A signed message, a form of ours, or JSON from this machine."""
    desk, body = _desk(request), await _body(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return await _form(desk, callback_id, body)
    if kind != "application/json":
        raise HTTPException(415, "application/json, please")
    if desk.signed_only:
        reply = await desk.backend.receive(request.headers, body, callback_id)
        return JSONResponse(reply.body, reply.status)
    try:
        return await _json(desk, callback_id, json_object(body))
    except BadInput as error:
        raise HTTPException(400, str(error)) from None


async def _json(desk: Desk, callback_id: str, data: dict[str, Any]) -> Response:
    approved = data.get("approved")
    if not isinstance(approved, bool):
        raise BadInput("approved must be true or false")
    user = text_at({"user": "unknown", **data}, "user")
    reason = text_at(data, "reason", MAX_TEXT, need=False)
    reply = reply_of(await desk.backend.resolve(callback_id, approved, reason, f"local:{user}"))
    return JSONResponse(reply.body, reply.status)


async def _form(desk: Desk, callback_id: str, body: bytes) -> HTMLResponse:
    fields = {name: values[0] for name, values in parse_qs(body.decode(errors="replace")).items()}
    record = await desk.backend.store.get(callback_id)
    if record is None:
        return _outcome(await desk.backend.store.status(callback_id), tried=True)
    if not hmac.compare_digest(fields.get("token", "").encode(), desk.token(record).encode()):
        return _refused("This page is out of date. Please open it again.", 403)
    if fields.get("verdict") not in ("approve", "reject"):
        return _refused("Approve or reject?")
    try:
        user = text_at(fields, "user")
        reason = text_at(fields, "reason", MAX_TEXT, need=False)
    except BadInput as error:
        return _refused(str(error))
    approved = fields["verdict"] == "approve"
    resolution = await desk.backend.resolve(callback_id, approved, reason, f"local:{user}")
    return _outcome(resolution, tried=True)


def _outcome(resolution: Resolution, *, tried: bool) -> HTMLResponse:
    page = webhook_page.outcome_page(resolution, tried=tried)
    status = 200 if resolution.first and not tried else STATUS[resolution.outcome]
    return HTMLResponse(page, status)


def _refused(text: str, status: int = 400) -> HTMLResponse:
    return HTMLResponse(webhook_page.message_page(text), status)


async def _guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Unsigned requests come from this machine, and no other site's page makes them."""
    signed = _desk(request).signed_only and "webhook-signature" in request.headers
    if not (signed and request.method == "POST" and request.url.path.startswith(PATH + "/")):
        host = request.client.host if request.client else ""
        origin = request.headers.get("origin")
        same = origin is None or urlsplit(origin).netloc == request.headers.get("host")
        if not (_is_here(host) and _is_here(request.url.hostname or "") and same):
            return JSONResponse({"error": "only from this machine"}, 403)
    response = await call_next(request)
    response.headers.update(webhook_page.HEADERS)
    return response


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise HTTPException(413, "too large")
    return bytes(body)


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def _from_environment() -> FastAPI:
    path = os.environ.get("HITLOOP_APPROVALS")
    return create_app(
        SQLiteApprovalStore(path) if path else None,
        os.environ.get("HITLOOP_WEBHOOK_SECRET"),
        os.environ.get("HITLOOP_CALLBACK_URL"),
    )


app = _from_environment()
