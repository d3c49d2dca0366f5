"""Asking over HumanLayer. Needs the extra `humanlayer`."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from importlib import import_module
from typing import Any

from hitloop_tui.backends import outcomes
from hitloop_tui.backends.asking import Asked, OnTimeout, StoredBackend
from hitloop_tui.backends.outcomes import by_system, describe, log, not_sent, status_of
from hitloop_tui.backends.retry import RetryConfig, can_succeed_later, retry_after, retrying
from hitloop_tui.backends.waiting import Waiter
from hitloop_tui.core.models import Decision
from hitloop_tui.core.plain_json import json_text
from hitloop_tui.errors import ConfigError
from hitloop_tui.persistence import ApprovalStore, InMemoryApprovalStore, StoredDecision

LOOK_SECONDS = 3.0


class HumanLayerBackend(StoredBackend):
    """Creates a function call in HumanLayer and looks until somebody answers it.

    The call has the callback id of the request, so that a later run with the same `store` finds it
    again. HumanLayer does not say who answered: `decided_by` is `humanlayer:human`.
    """

    def __init__(
        self,
        client: Any = None,
        *,
        api_key: str | None = None,
        channel: Any = None,
        timeout_seconds: float = 300.0,
        look_seconds: float = LOOK_SECONDS,
        retry_config: RetryConfig | None = None,
        store: ApprovalStore | None = None,
        on_timeout: OnTimeout | None = None,
    ) -> None:
        """`client` is a `HumanLayer` or `AsyncHumanLayer`; without one, one is made of `api_key`
        (or `HUMANLAYER_API_KEY`). `channel` is a `ContactChannel`. `timeout_seconds` 0 waits for
        ever."""
        store = InMemoryApprovalStore() if store is None else store
        super().__init__(store, timeout_seconds, on_timeout)
        self._library = _library()
        self._client = client if client is not None else self._new_client(api_key)
        self.channel = self._checked(channel)
        self.look_seconds = look_seconds
        self.retry_config = retry_config or RetryConfig()

    async def _send(self, asked: Asked, waiter: Waiter) -> Decision | None:
        call_id, action = asked.record.callback_id, asked.request.action
        maybe_there = not asked.is_new

        async def create() -> None:
            nonlocal maybe_there
            if maybe_there and await self._is_there(call_id):
                return
            maybe_there = True
            spec = self._library.FunctionCallSpec(
                fn=action.tool_name,
                kwargs=json.loads(json_text(action.tool_args)),
                channel=self.channel,
            )
            await self._call("create_function_call", spec, call_id)

        try:
            await waiter.send(self.retry_config.deadline, retrying(create, self.retry_config))
        except Exception as error:
            return not_sent(asked.request, error)
        return None

    async def _wait(self, asked: Asked, waiter: Waiter) -> StoredDecision:
        looking = asyncio.create_task(self._look(asked))
        try:
            return await super()._wait(asked, waiter)
        finally:
            looking.cancel()

    async def _look(self, asked: Asked) -> None:
        """Record the answer once there is one, or that nobody will ever know it."""
        call_id = asked.record.callback_id
        while True:
            pause = self.look_seconds
            try:
                status = (await self._call("get_function_call", call_id)).status
            except Exception as error:
                if not can_succeed_later(error):
                    reason = f"HumanLayer cannot be asked: {describe(error)}"
                    failed = by_system(asked.request, outcomes.TRANSPORT_ERROR, reason)
                    self._room.settle(call_id, await self._settle(call_id, failed))
                    return
                log.info("HumanLayer did not answer: %s", describe(error))
                pause = max(pause, retry_after(error))
            else:
                if await self._recorded(call_id, status):
                    return
            await asyncio.sleep(pause)

    async def _recorded(self, call_id: str, status: Any) -> bool:
        if status is None or status.approved is None:
            return False
        option = [status.reject_option_name] if status.reject_option_name else []
        by, reason = "humanlayer:human", status.comment or ""
        try:
            await self.resolve(call_id, status.approved, reason, by, option, delivery_id=call_id)
        except Exception as error:
            log.warning("HumanLayer's answer could not be stored: %s", describe(error))
            return False
        return True

    async def _is_there(self, call_id: str) -> bool:
        try:
            await self._call("get_function_call", call_id)
        except Exception as error:
            if status_of(error) == 404:
                return False
            raise
        return True

    async def _call(self, name: str, *arguments: Any) -> Any:
        method = getattr(self._client, name)
        try:
            if inspect.iscoroutinefunction(method):
                return await method(*arguments)
            return await asyncio.to_thread(method, *arguments)
        except Exception as error:
            if status_of(error) is None and (said := _STATUS.match(str(error))):
                raise HumanLayerError(int(said[1])) from None
            raise

    def _checked(self, channel: Any) -> Any:
        try:
            self._library.FunctionCallSpec(fn="", kwargs={}, channel=channel)
        except ValueError:
            raise ConfigError("channel must be a humanlayer.ContactChannel") from None
        return channel

    def _new_client(self, api_key: str | None) -> Any:
        try:
            return self._library.AsyncHumanLayer(api_key=api_key)
        except self._library.HumanLayerException as error:
            raise ConfigError(f"HumanLayerBackend needs an api_key ({error})") from None


_STATUS = re.compile(r"(\d{3}), message=")
"""How the text of `AsyncHumanLayer`'s exception begins; the status is nowhere else in it."""


class HumanLayerError(Exception):
    """HumanLayer refused what it was asked."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def _library() -> Any:
    try:
        return import_module("humanlayer")
    except ImportError:
        raise ConfigError("HumanLayerBackend needs hitloop-tui[humanlayer]") from None
