"""`experiment run` and `experiment report`."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner, Result

from hitloop_tui.cli import main

CONDITIONS = ["always_approve", "risk_based_auto", "risk_based_human", "audit_escalate"]


def hitloop(*words: object) -> Result:
    """The command line, with its exit codes."""
    import click

    command = click.Command("x", callback=lambda: main(["experiment", *map(str, words)]))
    return CliRunner().invoke(command)


@pytest.mark.parametrize("scenario", ["email_draft", "record_update"])
def test_run_and_report(tmp_path, scenario):
    out = tmp_path / "deep" / "out"
    options = ["--n-trials", 20, "--seed", 7, "--injection-rate", 0.2, "--out", out]
    done = hitloop("run", "--scenario", scenario, *options)
    assert done.exit_code == 0, done.output
    assert [line.split()[0] for line in done.stdout.splitlines()[1:5]] == CONDITIONS
    assert "0/4 0.0% to 49.0%" in done.stdout
    assert "Only simulated operators answered" in done.stdout
    assert "results.csv" in done.stderr
    assert "results.csv" not in done.stdout
    assert len((out / "results.csv").read_text().splitlines()) == 81
    assert hitloop("report", out).stdout == done.stdout
    summary = json.loads((out / "summary.json").read_text())
    assert json.loads(hitloop("report", out, "--json").stdout) == summary
    assert list(summary) == CONDITIONS


def test_the_same_seed_gives_the_same_figures(tmp_path):
    found = []
    for name in ("one", "two"):
        done = hitloop("run", "--out", tmp_path / name, "--json")
        figures = json.loads(done.stdout)["risk_based_human"]
        found.append({k: v for k, v in figures.items() if not k.startswith("time_")})
    assert found[0] == found[1]


def test_ctrl_c_keeps_what_is_done(tmp_path):
    out = tmp_path / "out"
    command = [sys.executable, "-m", "hitloop_tui", "experiment", "run"]
    child = subprocess.Popen(
        [*command, "--n-trials", "1000000", "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (out / "emails" / "outbox.jsonl").exists():
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    shown, said = child.communicate(timeout=60)
    assert child.returncode == 1
    assert "Traceback" not in said
    assert "stopped: what follows is of the trials until now" in said
    done = len((out / "results.csv").read_text().splitlines()) - 1
    assert 0 < done < 1_000_000
    assert shown.splitlines()[1].split()[:2] == ["always_approve", f"0/{done}"]
    assert hitloop("report", out).stdout == shown


def test_an_experiment_is_not_written_over(tmp_path):
    assert hitloop("run", "--n-trials", 1, "--out", tmp_path).exit_code == 0
    again = hitloop("run", "--n-trials", 1, "--out", tmp_path)
    assert again.exit_code == 2
    assert "holds an experiment already" in again.stderr


def test_without_errors_nothing_can_be_caught(tmp_path):
    options = ["--injection-rate", 0, "--n-trials", 3, "--out", tmp_path]
    done = hitloop("run", *options, "--json")
    assert {one["error_catch_rate"] for one in json.loads(done.stdout).values()} == {None}
    row = hitloop("report", tmp_path).stdout.splitlines()[1]
    assert row.split() == ["always_approve", "0/3", "-", "-", "-", "3/3", "-"]


@pytest.mark.parametrize(
    "options",
    [
        ["--n-trials", 0],
        ["--injection-rate", 1.5],
        ["--scenario", "poker"],
    ],
)
def test_bad_options(tmp_path, options):
    assert hitloop("run", "--out", tmp_path, *options).exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_folders_that_are_no_experiment(tmp_path):
    missing = hitloop("report", tmp_path)
    assert missing.exit_code == 2
    assert "experiment.db is missing" in missing.stderr
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("x")
    assert hitloop("run", "--out", tmp_path / "file" / "sub").exit_code == 2


def test_a_hostile_name_cannot_steer_the_terminal(tmp_path):
    hitloop("run", "--n-trials", 1, "--out", tmp_path)
    with sqlite3.connect(tmp_path / "experiment.db") as db:
        db.execute("UPDATE runs SET condition_id = ?", ("\x1b[2Jgone",))
    db.close()
    assert "\x1b" not in hitloop("report", tmp_path).stdout
