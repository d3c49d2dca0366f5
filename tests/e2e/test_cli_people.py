"""Several people at one question: who looks at it, and how many must approve."""

from __future__ import annotations

import pytest

from tests.e2e import cli_graphs
from tests.e2e.command_line import hitloop, one, told, until


class TestClaims:
    def test_one_looks_and_everybody_can_decide(self, pay):
        id_ = pay.ask()
        code, outcome, who, detail = one("claim", id_, "--as", "Ann")
        assert (code, outcome, who) == (0, "recorded", "human:Ann")
        assert detail.startswith("claimed until 20")
        assert pay.shown()["claimed_by"] == "human:Ann"
        assert "human:Ann looks" in hitloop("ls").out
        assert "claimed      by human:Ann until" in hitloop("show", id_).out
        assert one("claim", id_, "--as", "Bob")[:3] == (3, "already_decided", "human:Ann")
        assert one("release", id_, "--as", "Bob")[:3] == (3, "already_decided", "human:Ann")
        assert one("claim", id_, "--as", "Ann", "--for", "5")[1] == "recorded"
        assert one("approve", id_, "--as", "Bob")[1] == "recorded"
        assert one("release", id_, "--as", "Ann")[:2] == (0, "recorded")
        assert pay.shown()["claimed_by"] is None

    def test_it_ends_by_itself(self, pay):
        id_ = pay.ask()
        one("claim", id_, "--as", "Ann", "--for", "1")
        until(lambda: pay.shown()["claimed_by"] is None, "the claim has ended")
        assert one("claim", id_, "--as", "Bob")[1] == "recorded"
        assert hitloop("claim", id_, "--for", "0").code == 2

    def test_what_is_over(self, pay):
        id_ = pay.ask()
        one("reject", id_)
        pay.apply()
        assert one("claim", id_)[:2] == (3, "stale")


class TestQuorum:
    @pytest.fixture
    def asked(self, pay) -> str:
        return pay.ask(graph=cli_graphs.two)

    def test_two_different_people(self, pay, asked):
        code, outcome, who, detail = one("approve", asked, "--as", "ann")
        assert (code, outcome, who) == (0, "recorded", "human:ann")
        assert detail == "1 more person must approve"
        shown = pay.shown()
        assert (shown["state"], shown["quorum"]) == ("pending", 2)
        assert shown["approved_by"] == ["human:ann"]
        assert "1 of 2: human:ann" in hitloop("show", asked).out
        assert "1 of 2 approved" in hitloop("ls").out
        for name in ("ann", " Ann ", "ANN"):
            code, outcome, who, _ = one("approve", asked, "--as", name)
            assert (code, outcome, who) == (3, "already_decided", "human:ann")
        assert one("approve", asked, "--as", "bob")[:2] == (0, "recorded")
        assert pay.apply("two").code == 0
        assert pay.paid == [1]
        assert [what for what, _ in told(asked)] == ["said", "said", "decided", "applied"]

    def test_other_arguments(self, pay, asked):
        one("edit", asked, "--args", '{"amount": 5}', "--as", "ann")
        code, outcome, _, detail = one("edit", asked, "--args", '{"amount": 6}', "--as", "bob")
        assert (code, outcome) == (2, "invalid")
        assert "other arguments" in detail
        assert one("approve", asked, "--as", "bob")[:2] == (2, "invalid")
        assert one("edit", asked, "--args", '{"amount": 5}', "--as", "bob")[1] == "recorded"
        assert pay.apply("two").code == 0
        assert pay.paid == [5]

    def test_one_no_is_enough(self, pay, asked):
        one("approve", asked, "--as", "ann")
        assert one("reject", asked, "--as", "bob")[3] == ""
        assert one("approve", asked, "--as", "cy")[:3] == (3, "already_decided", "human:bob")
        pay.apply("two")
        assert pay.paid == []
