"""Faults of the injector, of the experiments, and of what they leave to be judged again."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from tests.upstream.faults import fault, part
from tests.upstream.study import Person, Study, backends, evals, models, policies


def injected(rate: float = 1.0, seed: int = 1) -> tuple[Any, Any]:
    """A right action of the e-mail scenario, and the wrong one made of it."""
    right = models.Action(
        tool_name="send_email",
        tool_args={"recipient": "alice@example.com", "subject": "Report", "body": "Hello"},
        risk_class="medium",
        side_effects=["email_sent"],
        rationale="Sending email to alice@example.com about Report",
        context_refs=["email_task"],
    )
    injector = evals.ErrorInjector(evals.InjectionConfig(injection_rate=rate, seed=seed))
    return right, injector.maybe_inject(right).modified_action


@fault("oversight 5.2.1")
def test_the_operator_is_not_shown_the_truth():
    right, wrong = injected()
    request = models.ApprovalRequest(run_id="r", action=wrong)
    assert "INJECTED" not in request.format_for_display().upper()
    assert wrong.side_effects == right.side_effects
    assert wrong.context_refs == right.context_refs


@fault("oversight 5.2.2")
async def test_the_policy_is_not_told_the_truth(study):
    policy = policies.RiskBasedPolicy()
    await study.run(policy=policy, backend=backends.AutoRejectBackend(), n_trials=100)
    asked = {True: set(), False: set()}
    for result in study.runner.results:
        asked[result.injected_error].add(result.approval_requested)
    assert asked[True] == asked[False] == {False}


@fault("oversight 5.2.3")
@pytest.mark.parametrize("seed", range(5))
def test_the_words_around_a_mistake_do_not_give_it_away(seed):
    right, wrong = injected(seed=seed)
    address = wrong.tool_args["recipient"]
    assert address != right.tool_args["recipient"]
    assert address in wrong.rationale
    assert right.tool_args["recipient"] not in wrong.rationale
    assert not [w for w in ("evil", "malware", "scam", "hacker", "phish") if w in address]


@fault("oversight 5.2.6")
async def test_simulated_people_look_at_what_they_are_shown(study):
    standard = part("eval.runner").create_standard_conditions
    for condition in standard(study.scenario, n_trials=100)[2:]:
        condition.backend.delay_ms = 0.0
        study.runner.add_condition(condition)
    await study.runner.run_all()
    asked = [one for one in study.runner.results if one.injected_error and one.approval_requested]
    caught = [one for one in asked if one.error_caught]
    assert len(caught) > len(asked) / 2


@fault("oversight 5.2.7")
async def test_the_same_seed_gives_the_same_experiment(tmp_path):
    found = []
    for name in ("one", "two"):
        study = Study(tmp_path / name)
        study.add("a", policy=policies.AuditPlusEscalatePolicy(audit_sample_rate=0.5, seed=3))
        study.add("b")
        await study.runner.run_all()
        asked = [result.approval_requested for result in study.runner.results]
        found.append((study.hashes(), asked))
        study.close()
    assert found[0] == found[1]
    assert found[0][0]["a"] == found[0][0]["b"]


@fault("oversight 5.2.8")
async def test_trials_do_not_remember_each_other(study):
    policy = policies.AuditPlusEscalatePolicy(audit_sample_rate=0.3, seed=42)
    assert 0.1 < (await study.run(policy=policy, n_trials=100)).approval_rate < 0.5


@fault("oversight 5.2.9")
@pytest.mark.parametrize(
    ("kind", "args"), [("WRONG_AMOUNT", {"amount": 0}), ("WRONG_RECORD_ID", {"name": "x"})]
)
def test_what_is_labelled_was_changed(kind, args):
    config = evals.InjectionConfig(1.0, [part("eval.injectors").InjectionType[kind]])
    result = evals.ErrorInjector(config).maybe_inject(models.Action(tool_name="t", tool_args=args))
    assert not result.injected or result.modified_action.tool_args != args


@fault("oversight 5.2.19a", absent="conditions run in fixed blocks")
async def test_conditions_can_be_mixed(tmp_path):
    study = Study(tmp_path, order="shuffled")
    for name in "ab":
        study.add(name, n_trials=20)
    ran = [result.condition_id for result in await study.runner.run_all()]
    study.close()
    assert sorted(ran) == ["a"] * 20 + ["b"] * 20
    assert sum(one != other for one, other in pairwise(ran)) > 5


@fault("oversight 4.8.2")
async def test_neighbouring_seeds_do_not_share_their_draws(study):
    for seed in (42, 43):
        await study.run(f"seed-{seed}", n_trials=40, base_seed=seed, rate=0.3)
    wrong = [result.injected_error for result in study.runner.results]
    assert wrong[1:40] != wrong[40:79]


@fault("oversight 5.2.20a", "oversight 5.4d")
async def test_what_was_decided_can_be_judged_again(study):
    person = Person(lambda _: True)
    await study.run(backend=person, n_trials=3)
    proposed = study.logger.get_events(event_type=models.EventType.ACTION_PROPOSED)
    kept = [event.payload.get("tool_args") for event in proposed]
    assert kept == [request.action.tool_args for request in person.requests]
    asked = study.logger.get_events(event_type=models.EventType.APPROVAL_REQUESTED)
    shown = [event.payload.get("summary_context") for event in asked]
    assert shown == [request.summary_context for request in person.requests]


@fault("oversight 5.2.20b")
def test_events_stay_in_order_when_the_clock_is_set_back(study, monkeypatch):
    real, hours = models.datetime, iter(range(100))

    class Back(real):  # type: ignore[misc, valid-type]
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return real(2026, 1, 10, tzinfo=tz) - timedelta(hours=next(hours))

    for module in (models, part("core.logger")):
        monkeypatch.setattr(module, "datetime", Back)
    for number in range(3):
        study.logger.log_error("r", ValueError(str(number)))
    events = study.logger.get_events()
    assert [event.payload["error_message"] for event in events] == ["0", "1", "2"]
    assert all(event.timestamp.tzinfo for event in events)


@fault("oversight 5.2.20c")
async def test_a_run_says_what_was_configured_and_by_which_version(study):
    await study.run(n_trials=1)
    (run,) = study.logger.get_all_runs()
    assert run.agent_version
    assert "config_sha256" in run.validation_details
