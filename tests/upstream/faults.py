"""What hitloop 0.5.1 gets wrong, under the numbers of the project's reference documents.

`approvals`, `oversight` and `security` are those documents; `.14` etc. is a row or list item there,
a letter one clause of an item that holds several. Where a fault is named in several places, one
test carries all of its numbers.

Not here: practice and attention trials (`oversight 5.2.19`), which are missing in both; and two
definitions of `oversight 5.1` that the page's keys fix: `approval_rate` is the share that was asked
about, `cost_proxy` is tokens or, without them, calls.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from os import environ
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

PACKAGE = environ.get("HITLOOP_PACKAGE", "hitloop_tui")
SOURCE = Path(environ.get("HITLOOP_SOURCE", Path(__file__).parents[2]))
"""The source tree of the package under test."""

FAULTS = {
    # The gate.
    "approvals 2.1": '{"approved": true}, the answer its own docstring shows, rejects',
    "approvals 2.2": "an edit is recorded as accepted, and the original arguments run",
    "approvals 2.3": "a response is a rejection with the text as its reason",
    "approvals 2.4": "on_interrupt fires twice, with the run's id for the thread's",
    "approvals 2.5": "latency_ms is always 0.0",
    "approvals 2.6": "decided_by names the kind of answer, not the person",
    "approvals 2.7": "risk and rationale are only printed into markdown",
    "approvals 2.8": "the state holds objects of a class no strict checkpointer knows",
    "approvals d5": 'an answer of unknown shape counts as "ignore", and the question is gone',
    "oversight 5.2.14": "the gate logs its events twice, and an edited action gets a new id",
    "oversight 5.2.15": "the edited action is a local variable; the executor runs the original",
    "oversight 5.2.16": "the README's Command(resume=...) is read as ignore",
    "oversight 5.2.17": "a failing on_interrupt kills the graph",
    "oversight 5.2.18": "the two gates log differently; automatic decisions overwrite human ones",
    "oversight 5.4g": "nest_asyncio is imported, not a dependency: no gate in an async program",
    "security 2.7": "the operator edits 1,000,000 to 5, and 1,000,000 runs",
    "security 5.3": "under strict deserialization Action and RiskClass come back as something else",
    "security 7.1.16": "an async on_interrupt never runs, and nobody hears; a sync one runs twice",
    "security 7.1.18": 'edit runs the original arguments; {"approved": True} rejects',
    # Models and terminal.
    "security 6.1a": "args_hash does not cover the tool",
    "security 6.1b": "args_hash takes different arguments for the same",
    "security 6.1c": "an approval is bound to 64 bits",
    "security W4": "Action.summary() cuts at 100 characters and hides arguments",
    "security 7.1.17": "the CLI prints raw terminal escapes from the rationale",
    "oversight 4.7": "latency is taken from the wall clock and includes the typing of a reason",
    # The webhook backends.
    "security 2.8a": "after a restart a decision is acknowledged, deleted and lost",
    "security 2.8b": "a graceful shutdown deletes all pending requests",
    "security W1": "no callback is authenticated",
    "security W2": "the same delivery twice is not one decision",
    "security W3": "no control over where requests are sent",
    "security 7.1.1": "handle_callback trusts the caller's text",
    "security 7.1.2": "the callback id has 32 bits",
    "security 7.1.3": "the id travels in the URL and is all that is needed to decide",
    "security 7.1.4": "a second callback raises InvalidStateError",
    "security 7.1.5": "after a restart the decision is dropped, yet True is returned",
    "security 7.1.6": "cancelling the caller deletes the request",
    "security 7.1.7": 'a record that is gone becomes Decision("unknown", approved=True)',
    "security 7.1.8a": "rationale, side effects and context are not persisted",
    "security 7.1.8b": "no decision is persisted",
    "security 7.1.9a": "an error of the store is raised into the agent",
    "security 7.1.14": "the decision's reason holds the error's text with its secrets",
    "security 7.1.15": "latency_ms is always 0.0 in WebhookBackend",
    "security 7.1.19a": "requests go to any address",
    "security 7.1.19b": "redirects are followed",
    "security 7.1.19c": "a service that does not answer blocks for five minutes",
    # Stores.
    "security 7.1.9b": "Postgres refuses a tool name of more than 128 characters",
    "security 7.1.10": "an id collision swaps the arguments under an existing approval",
    "security 7.1.11a": "no store decides by compare-and-set",
    "security 7.1.11b": "Redis lists requests in arbitrary order, then cuts",
    "security 7.1.11c": "expired requests eat the limit of a Redis list",
    "security 7.1.12a": "Redis get and put interleave, and a request is lost",
    "security 7.1.12b": "the thread index of Redis is never cleaned",
    "security 7.1.13": "Postgres refuses NUL characters and changes the order of keys",
    # Sending.
    "security 7.2a": "every error is retried, a 401 too",
    "security 7.2b": "retries have no jitter",
    "security 7.2c": "Retry-After is ignored",
    "security 7.2d": "retries have no total deadline",
    "security 7.2e": "retries carry no idempotency key",
    "security 7.2f": "the circuit breaker runs on the wall clock",
    "security 7.2g": "the person's thinking time is inside the protected call",
    "security 7.2h": "a person who does not answer counts as a success of the channel",
    "security 7.2i": "a half-open circuit admits four calls where three are allowed",
    "security 7.2j": "what an open circuit refuses looks like a person's no",
    "security 7.2k": "cancelled calls leave the circuit half-open for ever",
    # Experiments.
    "oversight 3.2": "coverage and detection are one figure",
    "oversight 4.8.2": "all draws of a trial come from Random(seed + trial): seeds overlap",
    "oversight 5.1": "only the last approval of a run counts",
    "oversight 5.2.1": "the operator is shown that the error was injected",
    "oversight 5.2.2": "the policy is told that the error was injected",
    "oversight 5.2.3": "the rationale still names the right recipient; the wrong ones are cartoons",
    "oversight 5.2.4": "a wrong e-mail that was sent counts as success",
    "oversight 5.2.5": "a timeout counts as a caught error, and as a person's time",
    "oversight 5.2.6": "simulated people do not look at what they are shown",
    "oversight 5.2.7": "the same seed does not give the same experiment",
    "oversight 5.2.8": "a policy's history is never reset between trials",
    "oversight 5.2.9": "labels without a change",
    "oversight 5.2.10": "what is undefined is 0.0, and an empty list of runs means all",
    "oversight 5.2.11": "tool failures and cost are always 0",
    "oversight 5.2.12": "policy_name is empty where nobody was asked",
    "oversight 5.2.13": "the 95th percentile is the maximum for n <= 20, and 96 of 1..100",
    "oversight 5.2.19a": "conditions run in blocks only",
    "oversight 5.2.19b": "nothing says who decided",
    "oversight 5.2.20a": "the trace keeps a hash of the arguments",
    "oversight 5.2.20b": "the trace is ordered by the wall clock, without a zone",
    "oversight 5.2.20c": "no configuration or version is kept",
    "oversight 5.2.21": "no intervals",
    "oversight 5.2.22": "success is safety and work done in one",
    "oversight 5.3": "the sample results it ships are not output of its code",
    "oversight 5.4a": 'the README claims "4 policies x scenarios"',
    "oversight 5.4b": "the README lists humanlayer_backend.py, and there is none",
    "oversight 5.4c": "an error nobody was asked about counts as a person's miss",
    "oversight 5.4d": "the trace claims to allow replay",
    "oversight 5.4e": "metrics claim to follow a paper, policies a scale; neither is cited",
    "oversight 5.4f": "events lack keys that the README lists",
}


def part(name: str) -> ModuleType:
    """A module of the package under test."""
    return import_module(f"{PACKAGE}.{name}")


def fault(*ids: str, absent: str = "") -> Callable[[Any], Any]:
    """Marks a test that fails on hitloop 0.5.1, by the numbers in `FAULTS`.

    `absent` says what is missing there, for a test that can fail only by its absence: there the
    absence is the fault.
    """
    unknown = [one for one in ids if one not in FAULTS]
    assert ids, "a fault has a number"
    assert not unknown, f"no such fault: {unknown}"
    return pytest.mark.fault(*ids, absent=absent)
