"""README tells the truth. `python -m tests.unit.test_readme` writes the keys into it anew."""

from __future__ import annotations

import re
from pathlib import Path

from click.testing import CliRunner

from hitloop_tui.cli import hitloop
from hitloop_tui.tui.keymap import SECTIONS

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
MARKED = re.compile(r"(<!-- keys -->\n).*?(<!-- /keys -->)", re.DOTALL)


def keys_table() -> str:
    lines = ["| key | does | |", "| --- | --- | --- |"]
    for section, keys in SECTIONS.items():
        for number, key in enumerate(keys):
            title = section if number == 0 else ""
            shown = " ".join(f"`{one}`" for one in key.display.split())
            lines.append(f"| {shown} | {key.help} | {title} |")
    return "\n".join(lines)


def test_the_keys_are_those_of_the_keymap() -> None:
    found = MARKED.search(README.read_text())
    assert found is not None
    assert keys_table() in found[0], "run python -m tests.unit.test_readme"


def test_every_command_is_in_the_readme() -> None:
    readme = README.read_text()
    shown = [name for name, command in hitloop.commands.items() if not command.hidden]
    assert [name for name in shown if f"{name} " not in readme and f"{name}`" not in readme] == []


def test_ci_runs_the_readmes_test_command() -> None:
    commands = [line for line in README.read_text().splitlines() if line.endswith("pytest")]
    assert commands == [line for line in commands if line.startswith("python3 -m venv .venv && ")]
    assert "grep -m 1 'pytest$' README.md" in (ROOT / ".ci" / "run").read_text()


def test_pictures_exist() -> None:
    for name in re.findall(r"\]\((screenshots/[^)]+)\)", README.read_text()):
        assert (ROOT / name).is_file()


def test_help_names_every_command() -> None:
    help_text = CliRunner().invoke(hitloop, ["--help"]).output
    assert all(name in help_text for name, one in hitloop.commands.items() if not one.hidden)


if __name__ == "__main__":
    README.write_text(MARKED.sub(lambda m: f"{m[1]}{keys_table()}\n{m[2]}", README.read_text()))
