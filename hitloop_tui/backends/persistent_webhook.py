"""The webhook backend for production: any store, retries, a circuit breaker, recovery."""

from __future__ import annotations

from hitloop_tui.backends import outcomes
from hitloop_tui.backends.asking import Asked, OnTimeout
from hitloop_tui.backends.breaker import CircuitBreaker, CircuitBreakerConfig, CircuitState, Permit
from hitloop_tui.backends.callbacks import Verifier
from hitloop_tui.backends.outcomes import by_system, not_sent, status_of
from hitloop_tui.backends.retry import RetryConfig, can_succeed_later, retrying
from hitloop_tui.backends.waiting import Waiter
from hitloop_tui.backends.webhook_backend import CALLBACK_URL, SendRequest, WebhookBackend
from hitloop_tui.core.models import Decision
from hitloop_tui.persistence import ApprovalStore

__all__ = ["CircuitBreakerConfig", "CircuitState", "PersistentWebhookBackend", "RetryConfig"]


class PersistentWebhookBackend(WebhookBackend):
    """A `WebhookBackend` whose requests survive a restart.

    After one, `register_pending` waits for what `store.list_pending` finds; an agent that asks the
    same question again (its gate runs again) takes it up by itself, and is told what was decided
    in the meantime.
    """

    def __init__(
        self,
        send_request: SendRequest,
        store: ApprovalStore | None = None,
        timeout_seconds: float = 300.0,
        callback_base_url: str = CALLBACK_URL,
        retry_config: RetryConfig | None = None,
        circuit_breaker_config: CircuitBreakerConfig | None = None,
        on_timeout: OnTimeout | None = None,
        *,
        verifier: Verifier | None = None,
    ) -> None:
        super().__init__(
            send_request,
            timeout_seconds,
            callback_base_url,
            on_timeout,
            verifier=verifier,
            store=store,
        )
        self.retry_config = retry_config or RetryConfig()
        self.circuit_config = circuit_breaker_config or CircuitBreakerConfig()
        self._breaker = CircuitBreaker(self.circuit_config)

    def get_circuit_state(self) -> CircuitState:
        return self._breaker.state

    async def _send(self, asked: Asked, waiter: Waiter) -> Decision | None:
        permit = self._breaker.admit()
        if permit is None:
            reason = "Circuit breaker open - service unavailable"
            return by_system(asked.request, outcomes.CIRCUIT_OPEN, reason)
        try:
            await self._attempt(permit, asked, waiter)
        except Exception as error:
            return not_sent(asked.request, error)
        return None

    async def _attempt(self, permit: Permit, asked: Asked, waiter: Waiter) -> None:
        config = self.retry_config
        sending = retrying(lambda: self._send_once(asked), config)
        try:
            if await waiter.send(config.deadline, sending):
                permit.succeeded()
        except Exception as error:
            if refused(error):
                permit.succeeded()
            else:
                permit.failed()
            raise
        finally:
            permit.abandoned()


def refused(error: Exception) -> bool:
    """The service answered, and its answer was no: it is there."""
    return status_of(error) is not None and not can_succeed_later(error)
