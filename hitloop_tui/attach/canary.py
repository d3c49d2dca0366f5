"""Whether reading a checkpoint can run what its data names: tried once, when a worker starts.

LangGraph reads `LANGGRAPH_STRICT_MSGPACK` when it is imported, and whatever imports it earlier
(a `.pth` file, `sitecustomize`) leaves it as it was then.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

import ormsgpack
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from hitloop_tui.attach.graphs import HostedGraph
from hitloop_tui.errors import ConfigError

STRICT = "LANGGRAPH_STRICT_MSGPACK"
_sung: list[str] = []


def sing(song: str) -> str:
    """What the data below names. Nothing else may call it."""
    _sung.append(song)
    return song


_PARTS = ormsgpack.packb([__name__, sing.__name__, "a canary"])
SONG = "msgpack", ormsgpack.packb(ormsgpack.Ext(0, _PARTS))
"""As a row of a database would have it: extension 0 calls a name with one argument."""


def require_strict(graphs: Iterable[HostedGraph]) -> None:
    """Raise ConfigError when a serializer of the worker calls what data names."""
    serializers = [hosted.serializer() or JsonPlusSerializer() for hosted in graphs]
    if any(sings(each) for each in [JsonPlusSerializer(), *serializers]):
        raise ConfigError(
            f"checkpoint data could run code in this worker: LangGraph was imported before {STRICT}"
            f" was set. Set {STRICT}=true in the environment of the process"
        )


def wanted_off() -> bool:
    """Whether a person has turned strict decoding off by hand."""
    return os.environ.get(STRICT, "").lower() in ("0", "false", "no", "off")


def sings(serializer: SerializerProtocol) -> bool:
    """Whether reading a value called what it names."""
    _sung.clear()
    with suppress(Exception):
        serializer.loads_typed(SONG)
    return bool(_sung)
