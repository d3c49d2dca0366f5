"""Faults of the figures: what counts as success, as caught, as a person's time, as known."""

from __future__ import annotations

import json
import statistics
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tests.upstream.faults import SOURCE, fault, part
from tests.upstream.study import Person, Study, backends, models, policies, rows_of, scenarios


@fault("oversight 5.2.4")
async def test_a_wrong_email_that_was_sent_is_no_success(study):
    await study.run(policy=policies.AlwaysApprovePolicy(), rate=0.5, n_trials=100)
    wrong = [result for result in study.runner.results if result.injected_error]
    assert wrong
    assert not [result for result in wrong if result.success]


async def _nobody(request: Any, callback_id: str, callback_url: str) -> None:
    """Tells nobody."""


@fault("oversight 5.2.5")
async def test_a_timeout_is_no_answer(study):
    away = backends.WebhookBackend(send_request=_nobody, timeout_seconds=0.002)
    found = await study.run(backend=away, rate=0.5, n_trials=20)
    assert found.error_catch_rate == 0.0
    assert not found.human_latency_mean_ms
    assert found.success_rate == 0.0


@fault("oversight 5.2.10")
async def test_what_is_undefined_is_null(study):
    unknown = study.metrics.compute_condition_metrics("unknown")
    assert unknown.success_rate is unknown.error_catch_rate is unknown.false_reject_rate is None
    found = await study.run(policy=policies.AlwaysApprovePolicy(), rate=0.0, n_trials=3)
    assert found.error_catch_rate is found.false_reject_rate is found.human_latency_mean_ms is None
    assert study.summary()["c"]["error_catch_rate"] is None


@fault("oversight 5.2.10")
async def test_no_runs_are_not_all_runs(study):
    await study.run(n_trials=3)
    assert study.metrics.compute_condition_metrics("c", run_ids=[]).n_runs == 0


class FullMailbox(scenarios.EmailDraftScenario):  # type: ignore[misc, name-defined]
    def get_tools(self) -> dict[str, Callable[..., Any]]:
        return {"send_email": lambda **_: {"success": False, "error": "mailbox full"}}


@fault("oversight 5.2.11")
async def test_a_tool_that_failed_has_failed(tmp_path):
    study = Study(tmp_path, FullMailbox(output_dir=tmp_path))
    found = await study.run(rate=0.0, n_trials=4)
    ends = study.logger.get_events(event_type=models.EventType.TOOL_EXECUTION_END)
    study.close()
    assert (len(ends), found.tool_failure_rate) == (4, 1.0)


@fault("oversight 5.2.11")
async def test_a_cost_that_nobody_logged_is_not_zero(study):
    assert (await study.run(n_trials=2)).cost_proxy is None


@fault("oversight 5.2.12")
async def test_a_policy_has_a_name_although_it_asks_nobody(study):
    found = await study.run(policy=policies.AlwaysApprovePolicy(), n_trials=3)
    assert found.policy_name == "always_approve"


@fault("oversight 5.2.13")
@pytest.mark.parametrize(("n", "p95"), [(20, 19.05), (100, 95.05)])
def test_the_95th_percentile_is_not_the_maximum(study, n, p95):
    for latency in range(1, n + 1):
        study.log_run(float(latency))
    found = study.metrics.compute_condition_metrics("c")
    assert found.human_latency_p95_ms == pytest.approx(p95)


@fault("oversight 5.2.19b")
async def test_results_say_who_decided(study):
    await study.run(backend=Person(lambda _: True), n_trials=3)
    assert [row.get("operator") for row in study.rows()] == ["human:ann"] * 3


@fault("oversight 5.2.21")
async def test_figures_come_with_their_uncertainty(study):
    await study.run(backend=Person(lambda request: False), rate=0.5, n_trials=10)
    assert "wilson_95" in json.dumps(study.summary())


@fault("oversight 5.2.22")
async def test_a_mistake_that_was_stopped_is_no_work_done(study):
    found = await study.run(backend=backends.AutoRejectBackend(), rate=1.0, n_trials=10)
    assert (found.error_catch_rate, found.success_rate) == (1.0, 0.0)


@fault("oversight 5.4c", "oversight 3.2")
async def test_an_error_nobody_was_asked_about_is_nobodys_miss(study):
    await study.run(policy=policies.AlwaysApprovePolicy(), rate=1.0, n_trials=5)
    figures = study.summary()["c"]
    assert figures.get("catch_rate", "one figure for both") is None
    assert (figures["coverage_injected"], figures["escape_rate"]) == (0.0, 1.0)


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def _told(rows: Iterable[dict[str, str]]) -> dict[str, float]:
    """Mean latency by condition, as the table says it."""
    latencies = defaultdict(list)
    for row in rows:
        if float(row["human_latency_ms"] or 0) > 0:
            latencies[row["condition_id"]].append(float(row["human_latency_ms"]))
    return {name: statistics.mean(values) for name, values in latencies.items()}


@fault("oversight 5.3")
async def test_results_that_are_shipped_are_results(study):
    await study.run(backend=Person(lambda _: True, latency_ms=12.5), n_trials=5)
    own, _ = study.runner.export_results("results.csv", "summary.json")
    for table in [own, *SOURCE.glob("*/results.csv")]:
        rows = rows_of(table)
        summary = json.loads(table.with_name("summary.json").read_text())
        assert all(_is_uuid(row["run_id"]) for row in rows), table
        for name, mean in _told(rows).items():
            assert summary[name]["human_latency_mean_ms"] == pytest.approx(mean, abs=0.01), table


@fault("oversight 5.4a")
def test_the_readme_does_not_claim_conditions_there_are_not():
    assert "4 policies" not in (SOURCE / "README.md").read_text()


@fault("oversight 5.4b", absent="the backend that the README lists")
def test_humanlayer_has_its_backend():
    assert part("backends.humanlayer_backend").HumanLayerBackend


@fault("oversight 5.4e")
def test_nobody_is_told_of_a_paper_or_a_scale_that_is_not_cited():
    action = models.Action(tool_name="look")
    _, reason = policies.AlwaysApprovePolicy().should_request_approval(action, {})
    assert "Tier" not in reason
    assert "paper" not in (part("eval.metrics").__doc__ or "")


@fault("oversight 5.4f")
def test_an_approval_has_the_keys_that_the_readme_lists(study):
    study.log_run(1250.0)
    (event,) = study.logger.get_events(event_type=models.EventType.APPROVAL_DECIDED)
    listed = {"channel", "latency_ms", "decision", "decided_by"}
    assert listed <= event.payload.keys()
