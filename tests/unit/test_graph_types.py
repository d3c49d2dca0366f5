"""Decoding the graph's own types under every module name."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ormsgpack
import pytest

from hitloop_tui.attach.graph_file import load_module
from hitloop_tui.attach.graph_ref import GraphRef
from hitloop_tui.attach.graph_types import GraphSerializer, own_types


@pytest.fixture(autouse=True)
def _clean_imports(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if "site-packages" not in (getattr(sys.modules[name], "__file__", None) or "site-packages"):
            del sys.modules[name]


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))
    return path


TYPES = """
import dataclasses, enum
from typing import Any, NamedTuple
from pydantic import BaseModel

class Money(BaseModel):
    cents: int

@dataclasses.dataclass
class Order:
    id: int
    total: Money

class Color(enum.Enum):
    RED = "red"

class Point(NamedTuple):
    x: int
    y: int

class Shell:
    def __init__(self, command): raise AssertionError(command)
"""


class TestSerializer:
    def load(self, file: Path) -> tuple[Any, GraphSerializer]:
        module = load_module(GraphRef.parse(f"{file}:g"))
        allowed = own_types((file.parent,), frozenset({module.__name__}))
        return module, GraphSerializer(module, allowed)

    def value(self, m: Any) -> dict[str, Any]:
        return {
            "order": m.Order(1, m.Money(cents=5)),
            "colors": [m.Color.RED],
            "point": m.Point(1, 2),
            (1, 2): {"tags": {"a"}},
        }

    @pytest.mark.parametrize("foreign", ["__main__", "__orders", "src__orders", "shop.orders"])
    def test_types_come_back_and_keep_their_name(self, tmp_path: Path, foreign: str) -> None:
        module, serializer = self.load(write(tmp_path / "orders.py", TYPES))
        data = renamed(serializer.dumps_typed(self.value(module)), "orders", foreign)
        assert serializer.loads_typed(data) == self.value(module)
        assert serializer.dumps_typed(self.value(module)) == data

    def test_own_name_stays(self, tmp_path: Path) -> None:
        module, serializer = self.load(write(tmp_path / "orders.py", TYPES))
        data = serializer.dumps_typed(self.value(module))
        assert serializer.loads_typed(data) == self.value(module)
        assert names(data) == {("orders", n) for n in ("Order", "Money", "Color", "Point")} | {
            ("builtins", "set")
        }

    def test_one_main_each(self, tmp_path: Path) -> None:
        first, reads_first = self.load(write(tmp_path / "orders.py", TYPES))
        second, reads_second = self.load(write(tmp_path / "other.py", TYPES))
        data = renamed(reads_first.dumps_typed(first.Color.RED), "orders", "__main__")
        assert reads_first.loads_typed(data) is first.Color.RED
        assert reads_second.loads_typed(data) is second.Color.RED

    def test_types_of_a_module_beside_it(self, tmp_path: Path) -> None:
        write(tmp_path / "kinds.py", TYPES)
        module, serializer = self.load(write(tmp_path / "orders.py", "import kinds"))
        value = self.value(module.kinds)
        assert serializer.loads_typed(serializer.dumps_typed(value)) == value

    @pytest.mark.parametrize(
        "name", [("os", "system"), ("__main__", "Shell"), ("orders", "Shell"), ("x.orders", "Nope")]
    )
    def test_other_types_come_back_as_data(self, tmp_path: Path, name: tuple[str, str]) -> None:
        _, serializer = self.load(write(tmp_path / "orders.py", TYPES))
        body = ormsgpack.packb(ormsgpack.Ext(0, ormsgpack.packb([*name, "echo boo"])))
        assert serializer.loads_typed(("msgpack", body)) == "echo boo"

    def test_clones_share_what_they_learnt(self, tmp_path: Path) -> None:
        module, serializer = self.load(write(tmp_path / "orders.py", TYPES))
        clone = serializer.with_msgpack_allowlist([("x", "Y")])
        data = renamed(serializer.dumps_typed(module.Color.RED), "orders", "__main__")
        clone.loads_typed(data)
        assert serializer.dumps_typed(module.Color.RED) == data


def names(data: tuple[str, bytes]) -> set[tuple[str, str]]:
    found = set()

    def hook(_code: int, body: bytes) -> Any:
        parts = ormsgpack.unpackb(body, ext_hook=hook, option=ormsgpack.OPT_NON_STR_KEYS)
        found.add((parts[0], parts[1]))
        return parts[2] if not isinstance(parts[2], list) else tuple(parts[2])

    ormsgpack.unpackb(data[1], ext_hook=hook, option=ormsgpack.OPT_NON_STR_KEYS)
    return found


def renamed(data: tuple[str, bytes], old: str, new: str) -> tuple[str, bytes]:
    """As a process would have written it that knows the module under another name."""

    def hook(code: int, body: bytes) -> ormsgpack.Ext:
        parts = ormsgpack.unpackb(body, ext_hook=hook, option=ormsgpack.OPT_NON_STR_KEYS)
        parts[0] = new if parts[0] == old else parts[0]
        return ormsgpack.Ext(code, ormsgpack.packb(parts, option=ormsgpack.OPT_NON_STR_KEYS))

    value = ormsgpack.unpackb(data[1], ext_hook=hook, option=ormsgpack.OPT_NON_STR_KEYS)
    return data[0], ormsgpack.packb(value, option=ormsgpack.OPT_NON_STR_KEYS)
