"""Code written for hitloop 0.5.1 calls the logger and the stores with these names and defaults."""

from __future__ import annotations

import importlib
import inspect
from dataclasses import MISSING, fields
from datetime import UTC, datetime, timedelta

import pytest

from hitloop_tui.persistence.base import PendingApprovalRecord

STORE = {
    "setup": "",
    "put": "record",
    "get": "callback_id",
    "delete": "callback_id",
    "list_pending": "thread_id=None, limit=100",
    "cleanup_expired": "",
    "close": "",
    "__aenter__": "",
}
METHODS = {
    "core.logger.TelemetryLogger": {
        "__init__": "db_path=':memory:'",
        "log_run_start": "metadata",
        "log_run_end": "run_id, success, validation_details=None",
        "log_llm_call": "run_id, prompt_hash=None, template_id=None, tokens_in=None,"
        " tokens_out=None, latency_ms=None, model=None",
        "log_action_proposed": "run_id, action, injected_error=False",
        "log_approval_requested": "run_id, request, channel='unknown'",
        "log_approval_decided": "run_id, decision, channel='unknown'",
        "log_tool_execution_start": "run_id, action",
        "log_tool_execution_end": "run_id, result",
        "log_error": "run_id, error, context=None",
        "get_events": "run_id=None, event_type=None, limit=None",
        "get_run_metadata": "run_id",
        "get_all_runs": "",
        "close": "",
    },
    "persistence.base.ApprovalStore": STORE,
    "persistence.memory.InMemoryApprovalStore": {"__init__": "", **STORE},
    "persistence.postgres.PostgresApprovalStore": {
        "__init__": "pool",
        "from_conn_string": "conn_string",
        **STORE,
    },
    "persistence.redis.RedisApprovalStore": {"__init__": "client", "from_url": "url", **STORE},
    "persistence.base.PendingApprovalRecord": {
        "__init__": "callback_id, run_id, thread_id, action_id, tool_name, tool_args, risk_class,"
        " policy_name, policy_reason, created_at=<factory>, expires_at=None, metadata=<factory>",
        "is_expired": "",
        "to_dict": "",
        "from_dict": "data",
    },
}


def told(parameter: inspect.Parameter) -> str:
    if parameter.default is parameter.empty:
        return parameter.name
    return f"{parameter.name}={parameter.default!r}"


@pytest.mark.parametrize("name", METHODS)
def test_names_order_and_defaults(name):
    module, _, cls = name.rpartition(".")
    ours = getattr(importlib.import_module(f"hitloop_tui.{module}"), cls)
    for method, wanted in METHODS[name].items():
        parameters = list(inspect.signature(getattr(ours, method)).parameters.values())
        if parameters and parameters[0].name == "self":
            parameters = parameters[1:]
        known = wanted.split(", ") if wanted else []
        assert list(map(told, parameters))[: len(known)] == known, method
        for added in parameters[len(known) :]:
            assert added.default is not added.empty, (method, added.name)


def test_records_are_written_and_read_as_in_hitloop():
    names = [field.name for field in fields(PendingApprovalRecord)]
    required = [
        f for f in fields(PendingApprovalRecord) if f.default is f.default_factory is MISSING
    ]
    now = datetime.now(UTC)
    record = PendingApprovalRecord(*(["x"] * 5), {"to": "x"}, *(["x"] * 3), now, None, {"a": 1})
    data = record.to_dict()
    assert len(required) == 9
    assert list(data) == names
    assert (data["created_at"], data["expires_at"]) == (now.isoformat(), None)
    assert PendingApprovalRecord.from_dict(data) == record
    assert not record.is_expired()
    record.expires_at = now - timedelta(seconds=1)
    assert record.is_expired()
    old = {name: data[name] for name in names[:12] if name != "metadata"}
    assert PendingApprovalRecord.from_dict(old).metadata == {}
