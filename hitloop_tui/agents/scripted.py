"""A chat model that plays a script, so that the agents run offline and always the same."""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable

MODEL_VARIABLE = "HITLOOP_AGENT_MODEL"
SPEED_VARIABLE = "HITLOOP_AGENT_TOKENS_PER_SECOND"
DEFAULT_SPEED = 30.0

Script = Callable[[Sequence[BaseMessage]], AIMessage]


def chat_model(script: Script) -> BaseChatModel:
    """The model named by HITLOOP_AGENT_MODEL (`provider:name`), else one that plays `script`."""
    name = os.environ.get(MODEL_VARIABLE)
    if not name:
        return ScriptedModel(script=script)
    from langchain.chat_models import init_chat_model  # seconds; needed for real models only

    model: BaseChatModel = init_chat_model(name)
    return model


def call(tool: str, number: int = 1, **args: Any) -> dict[str, Any]:
    """A tool call for an AIMessage."""
    return {"name": tool, "args": args, "id": f"call_{number}", "type": "tool_call"}


class ScriptedModel(BaseChatModel):
    """Answers with `script(messages)`; streams word by word at a readable speed."""

    script: Script

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """The script knows the tools already."""
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self.script(messages))])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        pause = _pause()
        for chunk in _chunks(self.script(messages)):
            time.sleep(pause)
            if run_manager:
                run_manager.on_llm_new_token(str(chunk.message.content), chunk=chunk)
            yield chunk

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        pause = _pause()
        for chunk in _chunks(self.script(messages)):
            await asyncio.sleep(pause)
            if run_manager:
                await run_manager.on_llm_new_token(str(chunk.message.content), chunk=chunk)
            yield chunk


def _pause() -> float:
    """Seconds per token; a speed of 0 means no waiting."""
    speed = float(os.environ.get(SPEED_VARIABLE, DEFAULT_SPEED))
    return 1 / speed if speed > 0 else 0.0


def _chunks(message: AIMessage) -> Iterator[ChatGenerationChunk]:
    for word in re.findall(r"\S+\s*|\s+", str(message.content)):
        yield ChatGenerationChunk(message=AIMessageChunk(content=word, id=message.id))
    calls = [
        tool_call_chunk(
            name=item["name"], args=json.dumps(item["args"]), id=item["id"], index=index
        )
        for index, item in enumerate(message.tool_calls)
    ]
    last = AIMessageChunk(content="", tool_call_chunks=calls, id=message.id, chunk_position="last")
    yield ChatGenerationChunk(message=last)
