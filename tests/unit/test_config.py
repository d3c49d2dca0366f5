"""Settings: command line > environment > file."""

from __future__ import annotations

from pathlib import Path

import pytest

from hitloop_tui.config import read_settings
from hitloop_tui.errors import ConfigError
from hitloop_tui.paths import ledger_path


def write(folder: Path, text: str) -> Path:
    (folder / "hitloop.toml").write_text(text)
    return folder


def test_nothing_set(tmp_path):
    settings = read_settings(tmp_path)
    assert (settings.db, settings.ledger, settings.config, settings.graphs) == (
        None,
        None,
        None,
        {},
    )


def test_paths_are_relative_to_the_file(tmp_path):
    text = 'db = "a.db"\nledger = "l.db"\nconfig = "/x/langgraph.json"\n[graphs]\nmail = "m.py:g"'
    settings = read_settings(write(tmp_path, text))
    assert settings.db == tmp_path / "a.db"
    assert settings.ledger == tmp_path / "l.db"
    assert settings.config == Path("/x/langgraph.json")
    assert settings.graphs == {"mail": "m.py:g"}


def test_the_environment_wins(tmp_path, monkeypatch):
    monkeypatch.setenv("HITLOOP_DB", "/e/e.db")
    monkeypatch.setenv("HITLOOP_LEDGER", "/e/l.db")
    settings = read_settings(write(tmp_path, 'db = "a.db"\nledger = "l.db"'))
    assert settings.db == Path("/e/e.db")
    assert settings.ledger_of(Path("/any.db")) == Path("/e/l.db")


def test_a_ledger_belongs_to_its_database(tmp_path):
    settings = read_settings(write(tmp_path, 'db = "a.db"\nledger = "l.db"'))
    assert settings.ledger_of(tmp_path / "a.db") == tmp_path / "l.db"
    assert settings.ledger_of(tmp_path / "b.db") is None
    settings = read_settings(write(tmp_path, 'ledger = "l.db"'))
    assert settings.ledger_of(tmp_path / "b.db") == tmp_path / "l.db"


def test_telemetry_is_named_in_the_file_or_the_environment(tmp_path, monkeypatch):
    write(tmp_path, 'telemetry = "t.db"')
    assert read_settings(tmp_path).telemetry == tmp_path / "t.db"
    monkeypatch.setenv("HITLOOP_TELEMETRY", "/e/t.db")
    assert read_settings(tmp_path).telemetry == Path("/e/t.db")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('dbb = "a"', "did you mean db"),
        ('zzzzz = "a"', "known are"),
        ("db = 3", "db must be a path"),
        ("graphs = 3", "graphs must be a table"),
        ("[graphs]\na = 3", "graphs must be a table"),
        ("db = ", "hitloop.toml"),
        ("\x00", "hitloop.toml"),
    ],
)
def test_mistakes_are_named(tmp_path, text, says):
    with pytest.raises(ConfigError, match=says):
        read_settings(write(tmp_path, text))


def test_not_a_file(tmp_path):
    (tmp_path / "hitloop.toml").mkdir()
    with pytest.raises(ConfigError, match=r"hitloop\.toml"):
        read_settings(tmp_path)


def test_the_ledger_is_beside_the_database():
    assert ledger_path(Path("/x/agents.db")) == Path("/x/agents.ledger.db")
    assert ledger_path(Path("agents")) == Path("agents.ledger.db")
    assert ledger_path(Path("a.b.sqlite")) == Path("a.b.ledger.sqlite")
