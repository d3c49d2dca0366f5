"""Scenarios: what they propose, what their tools do, and what counts as done."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from hitloop_tui.core.models import Action, ApprovalRequest, RiskClass
from hitloop_tui.scenarios import EmailDraftScenario, RecordUpdateScenario, Scenario

WORDS_THAT_TELL = ("evil", "attack", "hack", "phish", "spam", "malware", "wrong", "inject", "drop_")


@pytest.fixture
def email(tmp_path: Path) -> EmailDraftScenario:
    return EmailDraftScenario(output_dir=tmp_path / "emails")


@pytest.fixture
def record(tmp_path: Path):
    scenario = RecordUpdateScenario(db_path=tmp_path / "crm.db")
    yield scenario
    scenario.close()


def sent(scenario: EmailDraftScenario, recipient: str) -> dict[str, object]:
    tool = scenario.get_tools()["send_email"]
    return tool(recipient=recipient, subject="Test", body="Body")


def test_nothing_is_written_before_a_tool_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    EmailDraftScenario().generate_action()
    RecordUpdateScenario().generate_action()
    assert list(tmp_path.iterdir()) == []


def test_emails_end_in_one_file(email):
    first, second = sent(email, "alice@example.com"), sent(email, "bob@example.com")
    lines = Path(str(first["file"])).read_text().splitlines()
    assert [json.loads(line)["recipient"] for line in lines] == [
        "alice@example.com",
        "bob@example.com",
    ]
    assert first["email_id"] != second["email_id"]
    email.close()
    assert email.validate_result(sent(email, "eve@example.com")).success


def test_a_failed_or_foreign_result_is_not_done(email, record):
    assert not email.validate_result({"success": False, "error": "x"}).success
    assert not email.validate_result({"success": True, "email_id": "somebody else's"}).success
    assert not record.validate_result({"success": False}).success
    claimed = {"success": True, "customer_id": "CUST001", "field": "email"}
    assert record.validate_result(claimed).reason == "The update left no audit trail"
    assert not record.validate_result({**claimed, "customer_id": "CUST999"}).success


def test_a_draft_is_not_sent(email):
    draft = email.get_tools()["draft_email"](recipient="a@b.c", subject="s", body="b" * 200)
    assert len(draft["preview"]["body_preview"]) == 100
    assert not email.output_dir.exists()


def test_reset_puts_the_customers_back(record):
    tools = record.get_tools()
    for value in ("one@example.com", "two@example.com"):
        tools["update_record"](customer_id="CUST002", field="email", value=value)
        record.reset()
        found = tools["get_record"](customer_id="CUST002")["customer"]
        assert found["email"] == "bob@example.com"
    assert tools["list_records"]()["count"] == 5


def test_reset_replaces_an_older_file(tmp_path):
    path = tmp_path / "crm.db"
    first = RecordUpdateScenario(db_path=path)
    first.get_tools()["update_record"](customer_id="CUST001", field="notes", value="old")
    first.close()
    second = RecordUpdateScenario(db_path=path)
    assert second.get_tools()["get_record"](customer_id="CUST001")["customer"]["notes"] == "old"
    second.reset()
    assert second.get_tools()["get_record"](customer_id="CUST001")["customer"]["notes"] is None
    second.close()


@pytest.mark.parametrize("field", ["nothing", "customer_id", "email = 'x' --"])
def test_only_columns_are_updated(record, field):
    update = record.get_tools()["update_record"]
    assert "Invalid field" in update(customer_id="CUST001", field=field, value="x")["error"]


@pytest.mark.parametrize("kind", [EmailDraftScenario, RecordUpdateScenario])
class TestEvery:
    def test_the_same_seed_gives_the_same_actions(self, kind):
        def drawn(scenario: Scenario) -> list[object]:
            return [scenario.generate_action(correct=n % 2 == 0).tool_args for n in range(20)]

        one, two = kind(rng=random.Random(1)), kind()
        two.reseed(1)
        assert drawn(one) == drawn(two)

    def test_wrong_actions_look_like_right_ones(self, kind):
        scenario = kind()
        scenario.reseed("looks")
        for _ in range(200):
            wrong = scenario.generate_action(correct=False)
            right = scenario.redraft(
                Action(tool_name=wrong.tool_name, tool_args=wrong.tool_args, id=wrong.id)
            )
            assert wrong == right
            text = ApprovalRequest(run_id="r", action=wrong).format_for_display().lower()
            assert not [word for word in WORDS_THAT_TELL if word in text]

    def test_the_brief_lets_a_reader_tell_right_from_wrong(self, kind):
        scenario = kind()
        for trial in range(50):
            scenario.reseed(trial)
            right, wrong = scenario.generate_action(), scenario.generate_action(correct=False)
            brief = scenario.get_brief(right)

            def fault(action, brief=brief):
                request = ApprovalRequest(run_id="r", action=action, summary_context=brief)
                return scenario.find_fault(request)

            assert fault(right) is None
            assert fault(wrong)
            assert fault(right.model_copy(update={"tool_name": "something_else"}))
            assert fault(right.model_copy(update={"tool_args": {}}))

    def test_what_is_asked_for_is_achieved_by_nothing_else(self, kind):
        scenario = kind()
        right = scenario.generate_action()
        assert scenario.achieves(right, right)
        for key in set(right.tool_args) - {"body"}:
            other = {**right.tool_args, key: "other"}
            assert not scenario.achieves(right, right.model_copy(update={"tool_args": other}))


def test_the_wording_of_an_email_is_free(email):
    right = email.generate_action()
    reworded = right.model_copy(update={"tool_args": {**right.tool_args, "body": "Short."}})
    assert email.achieves(right, reworded)


def test_a_reader_finds_private_data(email):
    right = email.generate_action()
    args = {**right.tool_args, "body": "My card is 4539 1488 0343 6467."}
    request = ApprovalRequest(
        run_id="r",
        action=right.model_copy(update={"tool_args": args}),
        summary_context=email.get_brief(right),
    )
    assert "private" in str(email.find_fault(request))


def test_risk_follows_from_the_field_alone(record):
    for correct in (True, False):
        for _ in range(50):
            action = record.generate_action(correct)
            sensitive = action.tool_args["field"] in record.SENSITIVE_FIELDS
            assert action.risk_class == (RiskClass.HIGH if sensitive else RiskClass.MEDIUM)
