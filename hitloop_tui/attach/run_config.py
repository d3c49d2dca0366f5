"""The config of a resumed run: what the application's own run had, as far as the data tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import EXCLUDED_METADATA_KEYS, BaseCheckpointSaver

# What LangGraph itself writes into a checkpoint's metadata, and a run's own id.
_RESERVED = EXCLUDED_METADATA_KEYS | {"source", "step", "parents", "writes", "run_id"}
_RESERVED_PREFIXES = ("__", "langgraph_", "checkpoint_", "counters_since_")


def run_config(
    thread_id: str, metadata: Mapping[str, Any], saver: BaseCheckpointSaver[Any]
) -> RunnableConfig:
    """For reading a thread's state and for resuming it.

    LangGraph merges `metadata` and scalar `configurable` values into one (langgraph
    checkpoint/base, `get_checkpoint_metadata`), so both get everything back: nodes read
    `config["configurable"]["user_id"]`, and later checkpoints keep `graph_id`.
    """
    restored = {key: value for key, value in metadata.items() if _restorable(key, value)}
    return {
        "metadata": dict(restored),
        "configurable": {
            **restored,
            "thread_id": thread_id,
            "__pregel_checkpointer": saver,
            # Refuses an id that is not pending; without it the answer would go to the task's
            # next question.
            "__pregel_strict_resume": True,
        },
    }


def _restorable(key: str, value: Any) -> bool:
    if key in _RESERVED or key.startswith(_RESERVED_PREFIXES):
        return False
    return isinstance(value, str | int | float | bool)
