"""The word by which a worker tells a gate that a person wants a call made again."""

from __future__ import annotations

ORDERED_AGAIN = "__hitloop_again"
"""Key of a run's `configurable`: the id of the order. LangGraph keeps keys with two underscores out
of checkpoints' metadata, so no later run inherits it."""
