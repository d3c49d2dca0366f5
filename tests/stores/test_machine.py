"""Four stores do the same, whatever is done to them in whatever order."""

from __future__ import annotations

import asyncio
import tempfile
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from hitloop_tui.errors import AlreadyAsked
from hitloop_tui.persistence import ApprovalStore, PendingApprovalRecord, StoredDecision
from hitloop_tui.persistence.base import question_key
from tests.stores.desk import NAMES, Clock, a_record, empty, no, open_store, yes

NAMED = ["a", "b\n:{x}", "c" * 3000, "d\x00", "é"]
IDS = st.sampled_from(NAMED)
THREADS = st.sampled_from(["t1", "t\x00\n" * 800, ""])
PEOPLE = st.sampled_from(["ann", "bob"])
HOLDERS = st.sampled_from(["w1", "w\x002"])


class FourStores(RuleBasedStateMachine):
    postgres_uri = ""
    redis_url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = Clock()
        self.stores: dict[str, ApprovalStore] = {}
        self.asked: dict[str, PendingApprovalRecord] = {}
        self.first: dict[str, StoredDecision] = {}

    def teardown(self) -> None:
        for store in self.stores.values():
            self.runner.run(store.close())
        self.runner.close()
        self.folder.cleanup()

    @initialize()
    def open(self) -> None:
        for name in NAMES:
            self.reopen(name)
            self.runner.run(empty(self.stores[name]))

    @rule(name=st.sampled_from(NAMES[1:]))
    def restart(self, name: str) -> None:
        self.runner.run(self.stores[name].close())
        self.reopen(name)

    def reopen(self, name: str) -> None:
        places = {"postgres": self.postgres_uri, "redis": self.redis_url}
        place = places.get(name, Path(self.folder.name) / "a.db")
        self.stores[name] = self.runner.run(open_store(name, place, self.clock))

    def same(self, call: Callable[[ApprovalStore], Awaitable[Any]]) -> Any:
        """What all stores answer."""

        async def answer(store: ApprovalStore) -> Any:
            try:
                return await call(store)
            except AlreadyAsked:
                return AlreadyAsked

        answers = {name: self.runner.run(answer(store)) for name, store in self.stores.items()}
        expected = answers["memory"]
        assert all(given == expected for given in answers.values()), answers
        return expected

    @rule(name=IDS, thread=THREADS, tool=st.sampled_from("xy"), lives=st.integers(-1, 30))
    def put(self, name: str, thread: str, tool: str, lives: int) -> None:
        expires = self.clock() + timedelta(seconds=lives) if lives >= 0 else None
        record = a_record(
            self.clock, callback_id=name, thread_id=thread, tool_name=tool, expires_at=expires
        )
        self.same(lambda store: store.put(record))
        self.asked.setdefault(name, record)

    @rule(name=IDS)
    def put_again(self, name: str) -> None:
        if record := self.asked.get(name):
            assert self.same(lambda store: store.put(record)) is None

    @rule(name=IDS, by=PEOPLE, ok=st.booleans(), delivery=st.sampled_from([None, "m1", "m\\2\n"]))
    def resolve(self, name: str, by: str, ok: bool, delivery: str | None) -> None:
        decision = yes(by) if ok else no(by)
        done = self.same(lambda s: s.resolve(name, decision, delivery_id=delivery))
        self.see(name, done.first)

    @rule(name=IDS)
    def time_out(self, name: str) -> None:
        done = self.same(lambda s: s.resolve(name, no("system:timeout"), late=True))
        self.see(name, done.first)

    def see(self, name: str, stored: StoredDecision | None) -> None:
        """The first decision is the only one, for ever."""
        if stored is not None:
            known = self.first.setdefault(name, stored)
            assert stored.decision == known.decision
            assert stored.decided_at == known.decided_at

    @rule(name=IDS, holder=HOLDERS, over=st.none() | HOLDERS)
    def deliver(self, name: str, holder: str, over: str | None) -> None:
        self.same(lambda store: store.deliver(name, holder, over))

    @rule(name=IDS)
    def delete(self, name: str) -> None:
        self.same(lambda store: store.delete(name))
        self.asked.pop(name, None)
        self.first.pop(name, None)

    @rule()
    def clean_up(self) -> None:
        self.same(lambda store: store.cleanup_expired())
        for name in list(self.asked):
            if self.same(lambda store, name=name: store.status(name)).outcome == "unknown":
                del self.asked[name]

    @rule(seconds=st.integers(0, 20))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule(thread=st.none() | THREADS, limit=st.integers(0, 3))
    def pages(self, thread: str | None, limit: int) -> None:
        first = self.same(lambda store: store.list_pending(thread, limit))
        if first:
            self.same(lambda store: store.list_pending(thread, limit, first[-1].cursor))

    @rule(name=IDS, holder=st.none() | HOLDERS)
    def find(self, name: str, holder: str | None) -> None:
        record = self.asked.get(name) or a_record(action_id=uuid.uuid4().hex)
        self.same(lambda store: store.find(question_key(record), holder))

    @invariant()
    def all_is_the_same(self) -> None:
        if len(self.stores) < len(NAMES):
            return
        for name in self.asked:
            self.same(lambda store, name=name: store.get(name))
            self.same(lambda store, name=name: store.status(name))
        self.same(lambda store: store.decisions([*NAMED, "nobody"]))


@pytest.mark.timeout(600)
def test_four_stores_are_one(postgres_uri: str, redis_url: str) -> None:
    FourStores.postgres_uri, FourStores.redis_url = postgres_uri, redis_url
    run_state_machine_as_test(
        FourStores,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
