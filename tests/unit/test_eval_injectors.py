"""Mistakes: they differ from the right thing, look like it, and are labelled outside of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitloop_tui.core.models import Action, ApprovalRequest, RiskClass
from hitloop_tui.eval import ErrorInjector, InjectionConfig, InjectionType
from hitloop_tui.scenarios import EmailDraftScenario

EMAIL = Action(
    tool_name="send_email",
    tool_args={"recipient": "alice@example.com", "subject": "Report", "body": "Hello, as promised"},
    risk_class=RiskClass.MEDIUM,
    side_effects=["mail to alice@example.com"],
    rationale="send_email to alice@example.com, as alice@example.com asked",
    context_refs=["user_request"],
)
UPDATE = Action(
    tool_name="update_record",
    tool_args={"customer_id": "CUST001", "field": "notes", "value": "Prefers to be called"},
)
TRANSFER = Action(tool_name="transfer", tool_args={"amount": 100.0, "to": "account-123"})
SAMPLES = {"email": EMAIL, "update": UPDATE, "transfer": TRANSFER}


def always(*kinds: InjectionType, seed: int | None = 42) -> ErrorInjector:
    return ErrorInjector(InjectionConfig(1.0, list(kinds), seed))


def wrong(action: Action, *kinds: InjectionType, seed: int = 42) -> Action:
    found = always(*kinds, seed=seed).maybe_inject(action)
    assert found.injected
    assert found.modified_action is not None
    return found.modified_action


@pytest.mark.parametrize("kind", InjectionType)
@pytest.mark.parametrize("name", SAMPLES)
def test_only_the_mistake_differs(name, kind):
    right = SAMPLES[name]
    for seed in range(30):
        found = always(kind, seed=seed).maybe_inject(right)
        if not found.injected:
            assert found.modified_action is None
            continue
        shown = found.modified_action
        assert shown.digest() != right.digest()
        assert shown.id == right.id
        assert shown.risk_class is right.risk_class
        assert shown.context_refs == right.context_refs
        assert len(shown.side_effects) == len(right.side_effects)
        assert shown.tool_args.keys() == right.tool_args.keys()
        differing = {k for k in right.tool_args if shown.tool_args[k] != right.tool_args[k]}
        assert differing == set(found.wrong_fields)
        display = ApprovalRequest(run_id="r", action=shown).format_for_display().lower()
        assert "inject" not in display
        assert "error" not in display


def test_the_words_around_a_mistake_are_about_the_mistake():
    shown = wrong(EMAIL, InjectionType.WRONG_RECIPIENT)
    address = shown.tool_args["recipient"]
    assert shown.rationale == f"send_email to {address}, as {address} asked"
    assert shown.side_effects == [f"mail to {address}"]
    tool = wrong(EMAIL, InjectionType.INVALID_TOOL)
    assert tool.rationale.startswith(f"{tool.tool_name} to alice")


@pytest.mark.parametrize("address", ["alice@example.com", "bo@x.org", "aa@aa.aa", "#alerts", "x"])
def test_wrong_addresses_are_near_misses(address):
    action = Action(tool_name="send_email", tool_args={"recipient": address})
    for seed in range(40):
        other = wrong(action, InjectionType.WRONG_RECIPIENT, seed=seed).tool_args["recipient"]
        assert other != address
        assert abs(len(other) - len(address)) <= 2
        assert not [word for word in ("evil", "hack", "spam", "phish", "wrong@") if word in other]


def test_the_first_of_several_recipients_is_wrong():
    action = Action(tool_name="send_email", tool_args={"to": ["a.b@x.example", "c@x.example"]})
    first, *rest = wrong(action, InjectionType.WRONG_RECIPIENT).tool_args["to"]
    assert first != "a.b@x.example"
    assert rest == ["c@x.example"]


@pytest.mark.parametrize("value", ["CUST001", "A-99-x", 17, 0, -1, "abc", "9"])
def test_wrong_ids_are_neighbours(value):
    action = Action(tool_name="update_record", tool_args={"record_id": value})
    for seed in range(20):
        other = wrong(action, InjectionType.WRONG_RECORD_ID, seed=seed).tool_args["record_id"]
        assert type(other) is type(value)
        assert other != value


@pytest.mark.parametrize("value", [100, 100.0, 12.34, -5, 0, 0.0, "19.99", "7", 1e308, 0.004])
def test_wrong_amounts_slip_by_a_factor(value):
    action = Action(tool_name="pay", tool_args={"amount": value})
    for seed in range(20):
        other = wrong(action, InjectionType.WRONG_AMOUNT, seed=seed).tool_args["amount"]
        assert type(other) is type(value)
        assert other != value
        assert abs(float(other)) < float("inf")


@pytest.mark.parametrize(
    ("kind", "args"),
    [
        (InjectionType.WRONG_AMOUNT, {}),
        (InjectionType.WRONG_AMOUNT, {"amount": "a lot"}),
        (InjectionType.WRONG_AMOUNT, {"amount": True}),
        (InjectionType.WRONG_AMOUNT, {"amount": float("nan")}),
        (InjectionType.WRONG_RECORD_ID, {"name": "x"}),
        (InjectionType.WRONG_RECIPIENT, {"subject": "x"}),
        (InjectionType.SENSITIVE_DATA, {"flag": True}),
        (InjectionType.MALFORMED_ARGS, {"flag": True, "list": []}),
    ],
)
def test_nothing_to_get_wrong_is_not_called_wrong(kind, args):
    found = always(kind).maybe_inject(Action(tool_name="t", tool_args=args))
    assert (found.injected, found.modified_action, found.injection_type) == (False, None, None)


def test_of_several_kinds_one_that_fits_is_taken():
    kinds = (InjectionType.WRONG_AMOUNT, InjectionType.WRONG_RECIPIENT)
    for seed in range(10):
        found = always(*kinds, seed=seed).maybe_inject(EMAIL)
        assert found.injection_type is InjectionType.WRONG_RECIPIENT


def test_decoys_come_before_near_misses():
    injector = ErrorInjector(
        InjectionConfig(1.0, seed=1), decoys={"recipient": ["alice@example.com", "bob@example.com"]}
    )
    assert injector.maybe_inject(EMAIL).modified_action.tool_args["recipient"] == "bob@example.com"


def test_a_subclass_may_name_its_own_wrong_values():
    class Mine(ErrorInjector):
        WRONG_RECIPIENTS = ("mine@example.com",)

    found = Mine(InjectionConfig(1.0)).maybe_inject(EMAIL)
    assert found.modified_action.tool_args["recipient"] == "mine@example.com"


def test_a_scenario_rewrites_what_follows_from_the_arguments():
    scenario = EmailDraftScenario()
    injector = ErrorInjector(InjectionConfig(1.0), scenario.decoys(), scenario.redraft)
    right = scenario.generate_action()
    shown = injector.maybe_inject(right).modified_action
    assert shown == scenario.redraft(shown)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
KEYS = st.sampled_from(
    ["recipient", "to", "customer_id", "id", "order_id", "amount", "value", "body", "notes", "x"]
)


@given(
    args=st.dictionaries(KEYS, VALUES, max_size=5),
    tool=st.sampled_from(["send_email", "update_record", "pay"]),
    kinds=st.lists(st.sampled_from(list(InjectionType)), max_size=3),
    seed=st.integers(0, 2**32),
)
def test_injected_means_different_and_labelled(args, tool, kinds, seed):
    right = Action(tool_name=tool, tool_args=args, rationale="why")
    before = right.model_copy(deep=True)
    found = always(*kinds, seed=seed).maybe_inject(right)
    assert right.digest() == before.digest()
    assert found.injected == (found.modified_action is not None)
    if found.injected:
        assert found.modified_action.digest() != right.digest()
        assert not kinds or found.injection_type in kinds
    again = always(*kinds, seed=seed).maybe_inject(before)
    assert found.injected == again.injected
    if found.injected:
        assert found.modified_action.digest() == again.modified_action.digest()


def test_the_rate_of_nothing_is_unknown():
    injector = ErrorInjector(InjectionConfig(0.5))
    assert injector.get_stats()["actual_rate"] is None
    injector.maybe_inject(EMAIL)
    assert injector.get_stats()["actual_rate"] in (0.0, 1.0)
