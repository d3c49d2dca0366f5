"""Keys one by one, each for what the key before it has opened.

Textual gives a key to whatever has the focus when it arrives. Keys that arrive together, over a
slow line or while the app draws, would all go to the list: `/a` would approve, and so would `r` and
a reason that begins with an a.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from textual.app import App
from textual.events import Key, Paste
from textual.message_pump import MessagePump

PATIENCE_S = 1.0
"""The next key waits no longer, whatever the one before it is at."""
LOOK_S = 0.005


class TypedAhead:
    """A queue of keys and pastes in front of an app."""

    def __init__(
        self,
        app: App[Any],
        forward: Callable[[Key | Paste], Awaitable[None]],
        opening: Callable[[], bool],
    ) -> None:
        """`forward` gives one to what has the focus; `opening` tells whether a dialog is about to
        open."""
        self._app = app
        self._forward = forward
        self._opening = opening
        self._waiting: deque[Key | Paste] = deque()
        self._under_way: asyncio.Task[None] | None = None

    @property
    def idle(self) -> bool:
        """Whether everything that was typed has had its effect."""
        return self._under_way is None

    async def take(self, event: Key | Paste) -> None:
        if self.idle:
            await self._hand_on(event)
        else:
            self._waiting.append(event)

    async def _hand_on(self, event: Key | Paste) -> None:
        target = self._app.focused or self._app.screen
        await self._forward(event)
        self._under_way = asyncio.create_task(self._go_on(target))

    async def _go_on(self, target: MessagePump) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await self._handled(target)
        self._under_way = None
        if self._waiting:
            await self._hand_on(self._waiting.popleft())

    async def _handled(self, target: MessagePump) -> None:
        """Until a key has risen from the focused widget to the app, which runs what is bound to it;
        until the focus has moved; and until the screen that it opened has its own."""
        node: MessagePump | None = target
        while node is not None:
            await _reached(node)
            node = node._parent
        await _reached(self._app)
        while self._opening():  # noqa: ASYNC110  nothing tells of it
            await asyncio.sleep(LOOK_S)
        await _reached(self._app.screen)
        await _reached(self._app)


async def _reached(node: MessagePump) -> None:
    """Until a node has handled all that waits for it; one that is closed handles nothing."""
    done = asyncio.Event()
    if node.call_later(done.set):
        await done.wait()
