"""Graph references, loading in every form, and decoding under every module name."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langgraph.pregel import Pregel

from hitloop_tui.attach import dotenv
from hitloop_tui.attach.graph_file import load_module
from hitloop_tui.attach.graph_ref import GraphRef, read_config
from hitloop_tui.attach.graphs import open_graphs
from hitloop_tui.errors import ConfigError, GraphLoadError

FORMS = """
import contextlib
from typing import TypedDict
from langgraph.graph import START, StateGraph

RUNS = globals().get("RUNS", 0) + 1
OPEN = []

class State(TypedDict):
    x: str

builder = StateGraph(State).add_node("tool", lambda s: s).add_edge(START, "tool")
compiled = builder.compile()

def make_graph():
    return builder.compile()

def make_with_config(config):
    assert config == {"configurable": {}}
    return builder

def make_with_default(config=None):
    return compiled

async def make_async():
    return builder.compile()

async def make_async_with_config(config):
    return builder.compile()

@contextlib.contextmanager
def make_managed():
    OPEN.append("sync")
    yield compiled
    OPEN.remove("sync")

@contextlib.asynccontextmanager
async def make_async_managed():
    OPEN.append("async")
    yield builder
    OPEN.remove("async")

def not_a_graph():
    return 7

def broken():
    raise RuntimeError("no database")
"""


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


class TestReferences:
    def test_file_with_a_name(self, tmp_path: Path) -> None:
        file = write(tmp_path / "sub" / "agent.py", "")
        ref = GraphRef.parse("pay=sub/agent.py:graph", base=tmp_path)
        assert (ref.name, ref.location, ref.variable) == ("pay", file, "graph")

    def test_file_without_a_name_takes_its_stem(self, tmp_path: Path) -> None:
        write(tmp_path / "agent.py", "")
        assert GraphRef.parse("agent.py:graph", base=tmp_path).name == "agent"

    def test_module(self) -> None:
        ref = GraphRef.parse("shop.agents.refunds:graph")
        assert (ref.name, ref.location) == ("refunds", "shop.agents.refunds")

    @pytest.mark.parametrize(
        "text", ["agent.py", "x=agent.py", "agent.py:", ":graph", "a.py:1x", ""]
    )
    def test_no_variable(self, text: str, tmp_path: Path) -> None:
        write(tmp_path / "agent.py", "")
        with pytest.raises(
            ConfigError, match=r"which variable holds the graph; write NAME=FILE.py"
        ):
            GraphRef.parse(text, base=tmp_path)

    def test_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"--graph a=b.py:g: there is no file .*b\.py"):
            GraphRef.parse("a=b.py:g", base=tmp_path)

    def test_parsing_imports_no_langgraph(self) -> None:
        code = "import sys, hitloop_tui.attach.graph_ref, hitloop_tui.attach.spawn as s;"
        code += "sys.exit(any(m.startswith('lang') for m in sys.modules))"
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestConfig:
    def config(self, folder: Path, **fields: Any) -> Path:
        write(folder / "agent.py", FORMS)
        return write(folder / "langgraph.json", json.dumps(fields))

    def test_graphs_dependencies_and_env(self, tmp_path: Path) -> None:
        path = self.config(
            tmp_path,
            graphs={"a": "./agent.py:compiled", "b": {"path": "pkg.mod:graph", "description": "x"}},
            dependencies=[".", "./lib", "langchain"],
            env={"KEY": 1},
        )
        a, b = read_config(path)
        assert (a.location, b.location) == (tmp_path / "agent.py", "pkg.mod")
        assert a.search == (tmp_path, tmp_path / "lib")
        assert b.env == {"KEY": "1"}

    def test_env_file(self, tmp_path: Path) -> None:
        write(tmp_path / ".env", "# c\nexport A='x y'\nB=1 # note\nC=\"#q\"\n\nD=")
        path = self.config(tmp_path, graphs={"a": "./agent.py:compiled"}, env=".env")
        assert read_config(path)[0].env == {"A": "x y", "B": "1", "C": "#q", "D": ""}

    def test_env_file_with_a_bad_line(self, tmp_path: Path) -> None:
        path = write(tmp_path / ".env", "A=1\nnonsense\n")
        with pytest.raises(ConfigError, match=r"\.env:2: is not KEY=value"):
            dotenv.read(path, origin="x")

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({}, "names no graphs"),
            ({"graphs": []}, r"graphs must be like .*, not list"),
            ({"graphs": {"a": 3}}, r"graphs\.a must be"),
            ({"graphs": {"a": "./none.py:g"}}, r"graphs\.a: there is no file"),
            ({"graphs": {"a": "./agent.py"}}, r"graphs\.a: does not say which variable"),
            ({"graphs": {"a": "./agent.py:g"}, "dependencies": "."}, "dependencies must be"),
            ({"graphs": {"a": "./agent.py:g"}, "env": 3}, "env must be"),
            ({"graphs": {"a": "./agent.py:g"}, "env": ".none"}, r"env: .*\.none cannot be read"),
        ],
    )
    def test_errors_name_file_and_field(
        self, tmp_path: Path, fields: dict[str, Any], said: str
    ) -> None:
        path = self.config(tmp_path, **fields)
        with pytest.raises(ConfigError, match=f"{path}: .*{said}|{path}: {said}"):
            read_config(path)

    def test_not_json(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="is not JSON"):
            read_config(write(tmp_path / "langgraph.json", "{"))

    def test_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="cannot be read"):
            read_config(tmp_path / "langgraph.json")


def refs(folder: Path, *variables: str) -> list[GraphRef]:
    if not (folder / "forms.py").exists():
        write(folder / "forms.py", FORMS)
    return [GraphRef.parse(f"{v}=forms.py:{v}", base=folder) for v in variables]


class TestLoading:
    async def test_every_form(self, tmp_path: Path) -> None:
        forms = [
            "compiled",
            "builder",
            "make_graph",
            "make_with_config",
            "make_with_default",
            "make_async",
            "make_async_with_config",
            "make_managed",
            "make_async_managed",
        ]
        async with open_graphs(refs(tmp_path, *forms)) as graphs:
            module = graphs["compiled"].module
            assert module is not None
            assert list(graphs) == forms
            assert all(isinstance(hosted.graph, Pregel) for hosted in graphs.values())
            assert module.RUNS == 1
            assert {hosted.module for hosted in graphs.values()} == {module}
            assert module.OPEN == ["sync", "async"]
        assert module.OPEN == []

    async def test_missing_variable_lists_candidates(self, tmp_path: Path) -> None:
        with pytest.raises(
            GraphLoadError, match=r"no variable graph; it has builder, compiled, make_"
        ):
            async with open_graphs(refs(tmp_path, "graph")):
                pass

    async def test_not_a_graph(self, tmp_path: Path) -> None:
        with pytest.raises(GraphLoadError, match="not_a_graph is int, not a graph"):
            async with open_graphs(refs(tmp_path, "not_a_graph")):
                pass

    async def test_factory_that_raises(self, tmp_path: Path) -> None:
        with pytest.raises(GraphLoadError, match=r"--graph broken=.*RuntimeError: no database"):
            async with open_graphs(refs(tmp_path, "broken")):
                pass

    async def test_one_name_twice(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="two graphs are called compiled"):
            async with open_graphs(refs(tmp_path, "compiled", "compiled")):
                pass

    def test_import_error_shows_the_users_line(self, tmp_path: Path) -> None:
        write(tmp_path / "bad.py", "import json\nx = json.loads('{')\n")
        with pytest.raises(GraphLoadError, match=r"JSONDecodeError: .*bad\.py:2: x = json\.loads"):
            load_module(GraphRef.parse("bad.py:g", base=tmp_path))

    @pytest.mark.parametrize("text", ["import nonexistent_thing", "raise SystemExit(2)", "def f(:"])
    def test_files_that_cannot_be_run(self, tmp_path: Path, text: str) -> None:
        write(tmp_path / "bad.py", text)
        with pytest.raises(GraphLoadError, match=r"--graph bad\.py:g: "):
            load_module(GraphRef.parse("bad.py:g", base=tmp_path))

    def test_module_that_is_not_there(self) -> None:
        with pytest.raises(GraphLoadError, match=r"nowhere\.agent could not be imported"):
            load_module(GraphRef.parse("nowhere.agent:g"))

    def test_relative_imports_of_a_package(self, tmp_path: Path) -> None:
        write(tmp_path / "shop" / "__init__.py", "")
        write(tmp_path / "shop" / "models.py", "X = 1")
        file = write(tmp_path / "shop" / "agent.py", "from .models import X as g")
        module = load_module(GraphRef.parse(f"{file}:g"))
        assert (module.__name__, module.g) == ("shop.agent", 1)

    def test_imports_beside_the_file(self, tmp_path: Path) -> None:
        write(tmp_path / "a" / "my_models.py", "X = 1")
        write(tmp_path / "a" / "agent.py", "from my_models import X as g")
        assert load_module(GraphRef.parse("a/agent.py:g", base=tmp_path)).g == 1

    def test_two_files_of_one_name(self, tmp_path: Path) -> None:
        write(tmp_path / "a" / "agent.py", "g = 'a'")
        write(tmp_path / "b" / "agent.py", "g = 'b'")
        first = load_module(GraphRef.parse("a/agent.py:g", base=tmp_path))
        second = load_module(GraphRef.parse("b/agent.py:g", base=tmp_path))
        assert (first.g, second.g) == ("a", "b")

    def test_a_file_called_like_a_known_module(self, tmp_path: Path) -> None:
        write(tmp_path / "json.py", "g = 1")
        assert load_module(GraphRef.parse("json.py:g", base=tmp_path)).g == 1
        assert sys.modules["json"] is json

    def test_environment_of_the_process_wins(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HITLOOP_TEST_A", "process")
        monkeypatch.setenv("HITLOOP_TEST_B", "")
        monkeypatch.delenv("HITLOOP_TEST_B")
        write(tmp_path / "env.py", "import os; g = os.environ")
        graphs = {"a": "./env.py:g"}
        env = {"HITLOOP_TEST_A": "config", "HITLOOP_TEST_B": "config"}
        config = write(tmp_path / "langgraph.json", json.dumps({"graphs": graphs, "env": env}))
        found = load_module(read_config(config)[0]).g
        assert (found["HITLOOP_TEST_A"], found["HITLOOP_TEST_B"]) == ("process", "config")
