"""The store in Redis. Needs the extra `redis`.

How much a crash of the server can lose is the server's `appendfsync` setting.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from hitloop_tui.errors import AlreadyAsked, ConfigError
from hitloop_tui.persistence import redis_scripts as scripts
from hitloop_tui.persistence.base import ApprovalStore, Clock, Cursor, question_key, utc_now
from hitloop_tui.persistence.codec import column, escaped
from hitloop_tui.persistence.record import PendingApprovalRecord
from hitloop_tui.persistence.resolution import Outcome, Resolution, StoredDecision
from hitloop_tui.persistence.sql import body_of, record_of
from hitloop_tui.persistence.tables import microseconds

if TYPE_CHECKING:
    from redis.asyncio import Redis

PLACE_DIGITS = 20
ID_AT = PLACE_DIGITS + 1
"""Where the id begins in a place, as Lua counts."""
BEFORE_EPOCH = 10**18
"""Added to microseconds since 1970, so that earlier ones sort too."""

PAGE = 200
STORED = ("decision", "delivery", "taken")

_log = logging.getLogger(__name__)


class RedisApprovalStore(ApprovalStore):
    """Requests in Redis. They are forgotten `retention` after somebody took the decision; nothing
    that still matters has a time to live, so a server that evicts only `volatile` keys is fine."""

    KEY_PREFIX = "{hitloop}:"

    def __init__(
        self, client: Redis, *, retention: timedelta = timedelta(days=7), clock: Clock = utc_now
    ) -> None:
        super().__init__(clock=clock)
        self.retention = retention
        self._client: Any = client
        names = ("PUT", "LIST", "DECIDE", "DELIVER", "DELETE", "CLEANUP", "FIND")
        self._scripts = {n: client.register_script(getattr(scripts, n)) for n in names}

    @classmethod
    async def from_url(cls, url: str) -> Self:
        try:
            import redis.asyncio as redis
        except ImportError:
            raise ConfigError("RedisApprovalStore needs hitloop-tui[redis]") from None
        return cls(redis.from_url(url))

    async def setup(self) -> None:
        """See that the server is there. Raises ConfigError when it may evict open requests."""
        memory = await self._client.info("memory")
        policy = str(memory.get("maxmemory_policy", "noeviction"))
        if memory.get("maxmemory") and policy.startswith("allkeys"):
            raise ConfigError(
                f"this Redis has maxmemory-policy {policy}: it would drop approval requests when it"
                " is full; set it to noeviction, or to a policy that begins with volatile-"
            )

    async def close(self) -> None:
        await self._client.aclose()

    async def put(self, record: PendingApprovalRecord) -> None:
        expires = microseconds(record.expires_at) if record.expires_at else ""
        added = await self._run(
            "PUT",
            self._request(record.callback_id),
            self.KEY_PREFIX,
            body_of(record),
            _place(record.cursor),
            expires,
            column(record.thread_id),
            question_key(record),
        )
        if added < 0:
            raise AlreadyAsked("this callback id belongs to another request")

    async def get(self, callback_id: str) -> PendingApprovalRecord | None:
        body, expires, decision = await self._fields(callback_id, "body", "expires", "decision")
        pending = body is not None and decision is None and not self._past(expires)
        return record_of(body) if body is not None and pending else None

    async def delete(self, callback_id: str) -> bool:
        return bool(await self._run("DELETE", self._request(callback_id), self.KEY_PREFIX, ID_AT))

    async def list_pending(
        self, thread_id: str | None = None, limit: int = 100, after: Cursor | None = None
    ) -> list[PendingApprovalRecord]:
        name = "pending" if thread_id is None else f"thread:{column(thread_id)}"
        index, start = f"{self.KEY_PREFIX}{name}", f"({_place(after)}" if after else "-"
        found, more = list[PendingApprovalRecord](), True
        while more and len(found) < limit:
            wanted = min(PAGE, limit - len(found))
            seen, last, bodies, lost = await self._run(
                "LIST", index, self.KEY_PREFIX, start, wanted, self._now(), ID_AT
            )
            more = seen == wanted
            found += [record_of(_text(body)) for body in bodies]
            start = f"({_text(last)}"
            for place in lost:
                gone = _text(place)[PLACE_DIGITS:][:8]
                _log.error("approval request %s… is gone from Redis: somebody removed it", gone)
        return found

    async def cleanup_expired(self) -> int:
        total, seen = 0, PAGE
        while seen == PAGE:
            seen, forgotten = await self._run(
                "CLEANUP",
                f"{self.KEY_PREFIX}expires",
                self.KEY_PREFIX,
                self._now(),
                PAGE,
                ID_AT,
            )
            total += forgotten
        return total

    async def status(self, callback_id: str) -> Resolution:
        body, expires, *stored = await self._fields(callback_id, "body", "expires", *STORED)
        if body is None:
            return Resolution(Outcome.UNKNOWN)
        if stored[0] is not None:
            return Resolution(Outcome.ALREADY_DECIDED, _stored(stored))
        return Resolution(Outcome.EXPIRED if self._past(expires) else Outcome.PENDING)

    async def decisions(self, callback_ids: Iterable[str]) -> dict[str, StoredDecision]:
        asked = list(callback_ids)
        pipe = self._client.pipeline(transaction=False)
        for callback_id in asked:
            pipe.hmget(self._request(callback_id), *STORED)
        rows = zip(asked, await pipe.execute(), strict=True)
        return {callback_id: _stored(row) for callback_id, row in rows if row[0] is not None}

    async def find(
        self, question: str, holder: str | None = None
    ) -> tuple[PendingApprovalRecord, StoredDecision | None] | None:
        found = await self._run(
            "FIND",
            f"{self.KEY_PREFIX}question:{question}",
            self.KEY_PREFIX,
            self._now(),
            escaped(holder or ""),
            ID_AT,
        )
        if not found:
            return None
        body, *stored = [*found, None, None, None][:4]  # Lua ends an array at its first nil
        return record_of(_text(body)), _stored(stored) if stored[0] is not None else None

    async def deliver(self, callback_id: str, to: str, over: str | None = None) -> bool:
        forget_at = microseconds(self.clock() + self.retention) // 1000
        given = self.KEY_PREFIX, escaped(to), escaped(over or ""), forget_at, ID_AT
        return bool(await self._run("DELIVER", self._request(callback_id), *given))

    async def _decide(self, callback_id: str, stored: StoredDecision, *, late: bool) -> bool:
        return bool(
            await self._run(
                "DECIDE",
                self._request(callback_id),
                self.KEY_PREFIX,
                stored.to_text(),
                escaped(stored.delivery_id or ""),
                microseconds(stored.decided_at),
                "late" if late else "",
            )
        )

    async def _run(self, name: str, key: str, *arguments: Any) -> Any:
        return await self._scripts[name](keys=[key], args=list(arguments))

    async def _fields(self, callback_id: str, *names: str) -> list[str | None]:
        values = await self._client.hmget(self._request(callback_id), *names)
        return [None if value is None else _text(value) for value in values]

    def _request(self, callback_id: str) -> str:
        return f"{self.KEY_PREFIX}request:{column(callback_id)}"

    def _past(self, expires: str | None) -> bool:
        return bool(expires) and int(expires or 0) <= self._now()

    def _now(self) -> int:
        return microseconds(self.clock())


def _place(cursor: tuple[datetime, str]) -> str:
    moment = microseconds(cursor[0]) + BEFORE_EPOCH
    return f"{moment:0{PLACE_DIGITS}d}{column(cursor[1])}"


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _stored(row: list[Any]) -> StoredDecision:
    decision, delivery, taken = row
    taken_by = None if taken is None else _text(taken)
    return StoredDecision.from_text(_text(decision), _text(delivery or "") or None, taken_by)
