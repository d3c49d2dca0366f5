"""A person's no, silence, a failing channel and an open circuit: four different things, in the
Decision and in the telemetry of a real graph."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langgraph.graph import END, START, StateGraph

from hitloop_tui import TelemetryLogger, hitl_gate_node
from hitloop_tui.backends import CircuitBreakerConfig, PersistentWebhookBackend, RetryConfig
from hitloop_tui.core.models import EventType
from hitloop_tui.langgraph import HITLState
from hitloop_tui.policies import RiskBasedPolicy
from tests.backends.desk import Sender, a_request

ENDS = {
    "a person's no": (Sender(), ("slack:ann", [], "too much")),
    "silence": (
        Sender(),
        ("system:timeout", ["timeout"], "Timeout after 0.2s - no human response"),
    ),
    "a failing channel": (
        Sender(ConnectionError("SECRET")),
        ("system:error", ["transport_error"], "Not sent: ConnectionError"),
    ),
    "an open circuit": (
        Sender(),
        (
            "system:circuit_breaker",
            ["circuit_open"],
            "Circuit breaker open - service unavailable",
        ),
    ),
}


def compiled(backend: PersistentWebhookBackend, logger: TelemetryLogger) -> Any:
    graph = StateGraph(HITLState)
    graph.add_node("gate", hitl_gate_node(RiskBasedPolicy(), backend, logger, "webhook"))
    graph.add_edge(START, "gate")
    graph.add_edge("gate", END)
    return graph.compile()


@pytest.mark.parametrize("end", ENDS)
async def test_each_end_has_a_name_of_its_own(end):
    sender, expected = ENDS[end]
    backend = PersistentWebhookBackend(
        sender,
        timeout_seconds=0.2 if end == "silence" else 60,
        retry_config=RetryConfig(max_retries=0),
        circuit_breaker_config=CircuitBreakerConfig(failure_threshold=1),
    )
    if end == "an open circuit":
        backend._breaker.admit().failed()
    with TelemetryLogger() as logger:
        asked = {"run_id": "r", "proposed_action": a_request().action}
        running = asyncio.create_task(compiled(backend, logger).ainvoke(asked))
        if end == "a person's no":
            callback_id = await sender.callback_id()
            await backend.handle_callback(callback_id, False, "too much", "slack:ann")
        decision = (await running)["approval_decision"]
        [event] = logger.get_events("r", EventType.APPROVAL_DECIDED)
    for told in (decision, event.payload):
        assert told["approved"] is False
        assert (told["decided_by"], told["tags"], told["reason"]) == expected
    assert event.payload["channel"] == "webhook"
