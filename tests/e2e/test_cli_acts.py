"""What can be done about a Review besides deciding it, by real commands on real graphs."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

import pytest
from langgraph.types import Command

from tests.e2e import cli_graphs
from tests.e2e.command_line import decisions, hitloop, one, told, until, worker
from tests.e2e.pay_desk import PayDesk


@contextlib.contextmanager
def working(pay: PayDesk, graph: str = "one") -> Iterator[None]:
    process = worker(pay.db, f"pay={cli_graphs.HERE}:{graph}")
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


class TestUndo:
    def test_within_the_hold(self, pay):
        id_ = pay.ask()
        code, outcome, who, detail = one("approve", id_, "--as", "Ann", HITLOOP_HOLD="60")
        assert (code, outcome, who) == (0, "recorded", "human:Ann")
        assert detail == "held for 60 s: undo takes it back"
        shown = pay.shown()
        assert (shown["state"], shown["acts"]) == ("held", ["undo"])
        assert shown["held_until"] > shown["decided_at"]
        assert "undo" in hitloop("ls").out
        assert "undo takes it back" in hitloop("show", id_).out

        code, [outcome] = decisions("undo", id_[:9], "--as", "Bob")
        assert (code, outcome["outcome"], outcome["decided_by"]) == (0, "recorded", "human:Bob")
        assert outcome["decided_at"].startswith("20")
        assert pay.state() == "pending"
        code, [again] = decisions("undo", id_, "--as", "Cy")
        assert (code, again["outcome"], again["decided_by"]) == (3, "already_decided", "human:Bob")
        assert again["decided_at"] == outcome["decided_at"]

    def test_decided_anew_and_what_was_before(self, pay):
        id_ = pay.ask()
        one("approve", id_, "--as", "Ann", HITLOOP_HOLD="60")
        one("undo", id_, "--as", "Bob")
        code, outcome, who, detail = one("reject", id_, "--as", "Cy", "--reason", "no", "--now")
        assert (code, outcome, who, detail) == (0, "recorded", "human:Cy", "")
        assert told(id_) == [
            ("decided", "human:Ann"),
            ("undo", "human:Bob"),
            ("decided", "human:Cy"),
        ]
        lines = hitloop("show", id_).out
        assert "undo by human:Bob" in lines
        assert "decided by human:Cy: reject: no" in lines
        code, outcome, _, detail = one("undo", id_)
        assert (code, outcome) == (3, "stale")
        assert "undo is not possible: it is decided" in detail
        assert pay.apply().code == 0
        assert pay.paid == []

    def test_nobody_takes_it_before(self, pay):
        id_ = pay.ask()
        with working(pay):
            one("approve", id_, HITLOOP_HOLD="60")
            other = pay.ask("u", amount=2)
            one("approve", other, "--now", HITLOOP_HOLD="60")
            until(lambda: pay.paid == [2], "the one without a hold is applied")
            assert pay.state() == "held"
            assert one("undo", id_)[1] == "recorded"
        assert pay.paid == [2]

    def test_an_open_question(self, pay):
        id_ = pay.ask()
        for act in ("undo", "retry", "clear", "done", "dismiss"):
            code, outcome, _, detail = one(act, id_)
            assert (code, outcome) == (3, "stale")
            assert f"{act} is not possible: it is pending; possible: nothing" in detail


class TestAfterAFailure:
    @pytest.fixture
    def failed(self, pay) -> str:
        """An approved payment that was made and then raised, question and tool in one node."""
        id_ = pay.ask(graph=cli_graphs.plain)
        pay.be("fail")
        one("respond", id_, "--text", "yes", "--as", "Ann")
        assert pay.apply("plain").code == 1
        pay.be("fail", on=False)
        assert pay.paid == [1]
        shown = pay.shown()
        assert (shown["state"], shown["acts"]) == ("failed", ["retry", "clear"])
        assert "the bank said no" in shown["detail"]
        return id_

    def test_a_plain_second_decision_is_refused(self, pay, failed):
        code, outcome, who, _ = one("respond", failed, "--text", "no")
        assert (code, outcome, who) == (3, "already_decided", "human:Ann")

    def test_retry_once(self, pay, failed):
        code, outcome, who, detail = one("retry", failed, "--as", "Bob")
        assert (code, outcome, who) == (0, "recorded", "human:Bob")
        assert detail == "a worker will try again; none is alive: start one"
        assert pay.shown()["state"] == "decided"
        code, outcome, who, _ = one("retry", failed, "--as", "Cy")
        assert (code, outcome, who) == (3, "already_decided", "human:Bob")
        assert pay.apply("plain").code == 0
        assert pay.paid == [1, 1]
        assert pay.state() is None
        code, outcome, who, _ = one("retry", failed, "--as", "Cy")
        assert (code, outcome, who) == (3, "already_decided", "human:Bob")
        assert pay.paid == [1, 1]

    def test_clear_without_a_worker(self, pay, failed):
        code, outcome, who, detail = one("clear", failed, "--as", "Bob")
        assert (code, outcome, who) == (0, "recorded", "human:Bob")
        assert detail == "cleared: the question is open again"
        assert pay.state() == "pending"
        code, outcome, who, _ = one("clear", failed)
        assert (code, outcome, who) == (3, "already_decided", "human:Bob")
        assert one("respond", failed, "--text", "no", "--as", "Cy")[:2] == (0, "recorded")
        assert pay.apply("plain").code == 0
        assert pay.paid == [1], "the old yes is gone"
        assert [what for what, _ in told(failed)] == [
            *("decided", "failed", "clear", "clear applied", "decided", "applied"),
        ]

    def test_clear_with_a_worker(self, pay, failed):
        with working(pay, "plain"):
            code, outcome, _, detail = one("clear", failed)
            assert (code, outcome, detail) == (0, "recorded", "cleared: the question is open again")
            workers = {by for what, by in told(failed) if what == "clear applied"}
            assert one("respond", failed, "--text", "no")[1] == "recorded"
            until(lambda: pay.state() is None, "the no is applied")
        assert pay.paid == [1]
        assert len(workers) == 1


class TestAnsweredElsewhere:
    def test_a_plain_resume_that_raised(self, pay):
        """Its answer lies on the head, and would be taken for the next question's."""
        id_ = pay.ask(graph=cli_graphs.plain)
        pay.be("fail")
        with pytest.raises(ValueError, match="bank"):
            pay.run(cli_graphs.plain, "t", Command(resume="yes"))
        pay.be("fail", on=False)
        shown = pay.shown()
        assert shown["acts"] == ["retry", "clear"]
        assert shown["decided_by"] is None
        code, outcome, _, _ = one("respond", id_, "--text", "no")
        assert (code, outcome) == (3, "stale")
        assert one("clear", shown["id"])[:2] == (0, "recorded")
        assert pay.state() == "pending"
        assert one("respond", id_, "--text", "no")[:2] == (0, "recorded")
        assert pay.apply("plain").code == 0
        assert pay.paid == [1]


class TestUncertain:
    def killed(self, pay: PayDesk, graph: str, *decision: str) -> str:
        """A Review whose worker was killed after the tool had paid."""
        id_ = pay.ask(graph=getattr(cli_graphs, graph))
        pay.be("wait")
        process = worker(pay.db, f"pay={cli_graphs.HERE}:{graph}")
        one(decision[0], id_, *decision[1:], "--as", "Ann")
        until(lambda: pay.paid == [1], "the tool runs")
        assert pay.state() == "applying"
        process.send_signal(signal.SIGKILL)
        process.wait()
        pay.be("wait", on=False)
        until(lambda: pay.state() == "uncertain", "it is told as uncertain")
        return id_

    def test_done(self, pay):
        uncertain = self.killed(pay, "one", "approve")
        assert pay.shown()["acts"] == ["retry", "done"]
        assert pay.apply().code == 0, "never retried silently"
        assert pay.paid == [1]
        doctor = hitloop("doctor", pay.db).out
        assert "uncertain: worker" in doctor
        assert "possible: retry, done" in doctor
        assert "is dead and left 1 unfinished" in doctor
        assert "low 0 s, medium 0 s, high 0 s" in doctor
        code, outcome, who, detail = one("done", uncertain, "--as", "Bob")
        assert (code, outcome, who) == (0, "recorded", "human:Bob")
        assert detail == "marked done; the thread was not touched"
        assert pay.state() is None
        assert one("done", uncertain, "--as", "Cy")[:3] == (3, "already_decided", "human:Bob")
        shown = hitloop("show", uncertain[:8], "--json").json
        assert shown["state"] == "applied"
        assert "marked done by human:Bob" in shown["detail"]
        assert [what for what, _ in told(uncertain)] == ["decided", "uncertain", "done"]

    def test_clear_and_say_no(self, pay):
        uncertain = self.killed(pay, "plain", "respond", "--text", "yes")
        assert pay.shown()["acts"] == ["retry", "clear", "done"]
        assert one("clear", uncertain)[1] == "recorded"
        assert one("respond", uncertain, "--text", "no")[:2] == (0, "recorded")
        assert pay.apply("plain").code == 0
        assert pay.paid == [1]
        assert pay.state() is None


class TestStale:
    def test_shown_until_dismissed(self, pay):
        id_ = pay.ask()
        one("approve", id_, "--as", "Ann")
        pay.run(cli_graphs.one, "t", {"amount": 2})
        pay.apply()
        shown = {shown["id"]: shown for shown in hitloop("ls", "--json").json}
        assert (shown[id_]["state"], shown[id_]["acts"]) == ("stale", ["dismiss"])
        assert one("dismiss", id_, "--as", "Bob")[:3] == (0, "recorded", "human:Bob")
        assert one("dismiss", id_, "--as", "Cy")[:3] == (3, "already_decided", "human:Bob")
        assert id_ not in {shown["id"] for shown in hitloop("ls", "--json").json}
        assert [one["id"] for one in hitloop("ls", "--state", "stale", "--json").json] == [id_]
        assert hitloop("show", id_[:8], "--json").json["decided_by"] == "human:Ann"
        assert pay.paid == []


def test_a_deadline_that_is_near(pay):
    pay.ask(graph=cli_graphs.soon)
    shown = pay.shown()
    assert shown["deadline"] > shown["requested_at"]
    assert "its deadline is in" in shown["warnings"][-1]
    assert "due in 4m" in hitloop("ls").out
    assert "in 4m" in hitloop("show", shown["id"]).out


def test_several_ids_item_by_item(pay):
    held, open_ = pay.ask("held"), pay.ask("open")
    one("approve", held, HITLOOP_HOLD="60")
    code, outcomes = decisions("undo", held, open_, "zz", "0" * 16)
    assert code == 2
    assert [o["outcome"] for o in outcomes] == ["recorded", "stale", "invalid", "invalid"]
    lines = hitloop("undo", held, open_).out.splitlines()
    assert len(lines) == 2
    assert "already decided by human:" in lines[0]


def test_waiting_for_a_worker_is_said(pay):
    id_ = pay.ask()
    one("approve", id_)
    assert pay.shown()["detail"] == "waiting for a worker: none is alive"
    with working(pay):
        until(lambda: pay.state() is None, "it is applied")
