"""Whatever happens to a thread, a step makes at most the one call that it was permitted to make."""

from __future__ import annotations

import sqlite3
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command

from hitloop_tui.core.interfaces import HITLPolicy, PolicyVerdict
from hitloop_tui.core.models import Action
from tests.unit.gate_desk import Mailbox, builder

CONFIG: dict[str, Any] = {"configurable": {"thread_id": "t"}}
AMOUNTS = st.integers(1, 3)
PEOPLE = st.sampled_from(["human:dana", "dana", "human:kim", "human", None])
VERDICTS = [
    PolicyVerdict("ask", "look"),
    PolicyVerdict("ask", "two must agree", 2),
    PolicyVerdict("auto_approve", "fine"),
    PolicyVerdict("reject", "never"),
]
GARBAGE = ["yes", None, {}, {"approved": "true"}, {"approved": True, "digest": "0" * 64}, [1, 2]]


def action(amount: int) -> dict[str, Any]:
    return {"tool_name": "send_email", "tool_args": {"amount": amount}}


def person(who: str | None) -> str:
    name = (who or "human").removeprefix("human:")
    return "" if name == "human" else name


class Changing(HITLPolicy):
    name = "changing"
    now = VERDICTS[0]

    def should_request_approval(self, action: Action, state: dict[str, Any]) -> tuple[bool, str]:
        raise NotImplementedError

    def verdict(self, action: Action, state: dict[str, Any]) -> PolicyVerdict:
        return self.now


class Till(Mailbox):
    def send_email(self, **args: Any) -> str:
        self.calls.append(args)
        return "sent"


class OneThread(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.mailbox, self.policy = Till(), Changing()
        self.app: Any = None
        self.file: sqlite3.Connection | None = None
        self.permitted: list[int] = []
        """The amount that this step may send, if any."""
        self.swapped: set[str] = set()
        """Checkpoints at which the Action was replaced together with an answer."""

    def go(self, given: Any, permitted: int | None = None, config: Any = CONFIG) -> None:
        self.mailbox.calls.clear()
        self.permitted = [] if permitted is None else [permitted]
        self.app.invoke(given, config)

    @property
    def question(self) -> Any:
        found = self.app.get_state(CONFIG).interrupts
        return found[0] if found else None

    @property
    def asked(self) -> dict[str, Any]:
        detail: dict[str, Any] = self.question.value[0]["hitloop"]
        return detail

    def states_before(self, node: str) -> list[Any]:
        return [s for s in self.app.get_state_history(CONFIG) if s.next == (node,)]

    @initialize(amount=AMOUNTS, verdict=st.sampled_from(VERDICTS[:2]), in_memory=st.booleans())
    def ask(self, amount: int, verdict: PolicyVerdict, in_memory: bool) -> None:
        self.file = None if in_memory else sqlite3.connect(":memory:", check_same_thread=False)
        saver = SqliteSaver(self.file) if self.file else InMemorySaver()
        self.app = builder(self.mailbox, self.policy).compile(checkpointer=saver)
        self.policy.now = verdict
        self.propose(amount)

    def teardown(self) -> None:
        if self.file:
            self.file.close()

    @precondition(lambda self: not self.question)
    @rule(amount=AMOUNTS)
    def propose(self, amount: int) -> None:
        auto = self.policy.now.outcome == "auto_approve"
        self.go({"proposed_action": action(amount)}, amount if auto else None)

    @rule(verdict=st.sampled_from(VERDICTS))
    def change_the_policy(self, verdict: PolicyVerdict) -> None:
        self.policy.now = verdict

    @precondition(lambda self: self.question)
    @rule(who=PEOPLE, edited=st.none() | AMOUNTS, by_id=st.booleans(), swapped=st.none() | AMOUNTS)
    def approve(
        self, who: str | None, edited: int | None, by_id: bool, swapped: int | None
    ) -> None:
        answer: dict[str, Any] = {"approved": True}
        if who is not None:
            answer["decided_by"] = who
        if edited is not None:
            answer["edited_args"] = {"amount": edited}
        head = self.app.get_state(CONFIG).config["configurable"]["checkpoint_id"]
        if head in self.swapped:  # LangGraph allows one update of a superstep
            swapped = None
        update = None if swapped is None else {"proposed_action": action(swapped)}
        if update:
            self.swapped.add(head)
        resume = {self.question.id: answer} if by_id else answer
        permitted = self._permitted(who, edited, swapped)
        self.go(Command(resume=resume, update=update), permitted)

    def _permitted(self, who: str | None, edited: int | None, swapped: int | None) -> int | None:
        shown = self.asked["action"]["tool_args"]["amount"]
        if self.policy.now.outcome == "reject" or swapped not in (None, shown):
            return None
        needed = max(self.asked.get("quorum", 1), self.policy.now.people)
        before = {person(name) for name in self.asked.get("approvals", [])}
        if edited not in (None, shown):
            before = set()
        enough = needed == 1 or len({*before, person(who)} - {""}) >= needed
        return (edited or shown) if enough else None

    @precondition(lambda self: self.question)
    @rule(who=PEOPLE, by_id=st.booleans())
    def reject(self, who: str | None, by_id: bool) -> None:
        answer = {"approved": False, "decided_by": who or "human"}
        self.go(Command(resume={self.question.id: answer} if by_id else answer))

    @precondition(lambda self: self.question)
    @rule(value=st.sampled_from(GARBAGE))
    def talk_nonsense(self, value: Any) -> None:
        self.go(Command(resume={self.question.id: value}))
        assert self.question or self.policy.now.outcome == "reject"

    @precondition(lambda self: self.app.get_state(CONFIG).values)
    @rule()
    def continue_without_an_answer(self) -> None:
        self.go(None)

    @precondition(lambda self: self.states_before("execute"))
    @rule(pick=st.randoms(use_true_random=False))
    def fork_from_before_a_call(self, pick: Any) -> None:
        self.go(None, config=pick.choice(self.states_before("execute")).config)

    @precondition(lambda self: self.states_before("gate"))
    @rule(pick=st.randoms(use_true_random=False))
    def fork_from_before_a_question(self, pick: Any) -> None:
        before = pick.choice(self.states_before("gate"))
        amount = before.values["proposed_action"]["tool_args"]["amount"]
        auto = self.policy.now.outcome == "auto_approve"
        self.go(None, amount if auto else None, before.config)

    @invariant()
    def only_what_was_permitted_was_sent(self) -> None:
        sent = [call["amount"] for call in self.mailbox.calls]
        assert sent in ([], self.permitted)


OneThread.TestCase.settings = settings(max_examples=100, stateful_step_count=10, deadline=None)
TestOneThread = OneThread.TestCase
