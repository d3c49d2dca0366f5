"""Strict decoding that still knows the graph's own types, under whatever name the data gives them.

Checkpoint data names types by module. A file that an application ran as `python app.py` wrote
`__main__.State`, `langgraph dev` writes `__app.State`, and here its module is called `app`. So the
names are translated while reading, and what this worker writes carries the name it found, or the
application could not read its own thread any more.
"""

from __future__ import annotations

import dataclasses
import functools
import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any

import ormsgpack
from langgraph.checkpoint.serde.event_hooks import SerdeEvent, register_serde_event_listener
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from hitloop_tui.attach.oddities import OPTIONS

_log = logging.getLogger(__name__)

TypeName = tuple[str, str]
"""Module and class, as checkpoint data writes them."""

_CONSTRUCTORS = frozenset({0, 1, 2, 4, 5})
"""Extension codes whose body is (module, class, arguments, ...): langgraph jsonplus.py."""
CANARY: TypeName = ("hitloop_tui.attach.canary", "sing")
"""What a worker blocks on purpose, to see that it does."""


class GraphSerializer(JsonPlusSerializer):
    """Builds the safe types and those in `allowed`; anything else comes back as plain data."""

    def __init__(self, module: ModuleType, allowed: Iterable[TypeName]) -> None:
        allowed = frozenset(allowed)
        super().__init__(allowed_msgpack_modules=allowed)
        self._own = module.__name__
        self._types = {name for owner, name in allowed if owner == self._own}
        self._stem = Path(module.__file__ or self._own).stem
        # One dict for all clones that LangGraph makes of this object during a run.
        self._written_as: dict[str, str] = {}

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        kind, body = data
        if kind == "msgpack" and self._may_name_foreign(body):
            body = _renamed(body, self._to_own)
        return super().loads_typed((kind, body))

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        kind, body = super().dumps_typed(obj)
        if kind == "msgpack" and self._written_as and self._own.encode() in body:
            body = _renamed(body, self._to_foreign)
        return kind, body

    def _may_name_foreign(self, body: bytes) -> bool:
        return b"__main__" in body or self._stem.encode() in body

    def _to_own(self, module: str, name: str) -> str:
        if module == self._own or name not in self._types or not self._is_this_file(module):
            return module
        self._written_as[name] = module
        return self._own

    def _is_this_file(self, module: str) -> bool:
        """`__main__`, `app`, `pkg.app`, or a path in `langgraph dev`'s writing: `src__app`."""
        if module == "__main__":
            return True
        return (
            module not in sys.modules and module.replace("__", ".").rpartition(".")[2] == self._stem
        )

    def _to_foreign(self, module: str, name: str) -> str:
        if module != self._own or not self._written_as:
            return module
        return self._written_as.get(name) or next(iter(self._written_as.values()))


def _renamed(body: bytes, rename: Callable[[str, str], str]) -> bytes:
    """The same data with the module of every constructed object passed through `rename`."""

    def hook(code: int, data: bytes) -> ormsgpack.Ext:
        if code not in _CONSTRUCTORS:
            return ormsgpack.Ext(code, data)
        parts = ormsgpack.unpackb(data, ext_hook=hook, option=OPTIONS)
        parts[0] = rename(parts[0], parts[1])
        return ormsgpack.Ext(code, ormsgpack.packb(parts, option=OPTIONS))

    return ormsgpack.packb(ormsgpack.unpackb(body, ext_hook=hook, option=OPTIONS), option=OPTIONS)


def own_types(roots: tuple[Path, ...], packages: frozenset[str]) -> frozenset[TypeName]:
    """Data classes of every loaded module that is the user's own.

    Own is what lies under one of `roots`, installed packages apart, or belongs to one of
    `packages`. Only types that are made of data: building one cannot run other code by name.
    """
    return _own_types(roots, packages, len(sys.modules))


@functools.lru_cache(maxsize=32)
def _own_types(
    roots: tuple[Path, ...], packages: frozenset[str], loaded: int
) -> frozenset[TypeName]:
    """`loaded` lets a module that a node imported late be seen: a scan takes some 10 ms."""
    modules = [m for m in list(sys.modules.values()) if _own(m, roots, packages)]
    return frozenset(name for module in modules for name in _data_classes(module))


def _own(module: ModuleType, roots: tuple[Path, ...], packages: frozenset[str]) -> bool:
    top = getattr(module, "__name__", "").partition(".")[0]
    if top in packages:
        return True
    file = getattr(module, "__file__", None)
    if not file or top in sys.stdlib_module_names:
        return False
    if "site-packages" in file or "dist-packages" in file:
        return False
    return any(Path(file).is_relative_to(root) for root in roots)


def _data_classes(module: ModuleType) -> Iterator[TypeName]:
    for value in list(vars(module).values()):
        if isinstance(value, type) and value.__module__ == module.__name__ and _data(value):
            yield value.__module__, value.__name__


def _data(cls: type) -> bool:
    if dataclasses.is_dataclass(cls) or issubclass(cls, Enum) or hasattr(cls, "model_fields"):
        return True
    return hasattr(cls, "__fields__") or (issubclass(cls, tuple) and hasattr(cls, "_fields"))


def warn_of_blocked_types() -> Callable[[], None]:
    """Say once per type what came back as plain data; returns the way to stop."""
    logging.getLogger("langgraph.checkpoint.serde.jsonplus").setLevel(logging.ERROR)
    seen: set[TypeName] = {CANARY}

    def listen(event: SerdeEvent) -> None:
        name = (event["module"], event["name"])
        if event["kind"] == "msgpack_blocked" and name not in seen:
            seen.add(name)
            _log.warning(
                "%s.%s in the checkpoint data is not a type of the loaded graphs: it reaches the"
                " graph as plain data. Import it in the graph's file, or set"
                " LANGGRAPH_STRICT_MSGPACK=false if every writer of the database is trusted.",
                *name,
            )

    return register_serde_event_listener(listen)
