"""`experiment run` and `experiment report`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hitloop_tui.cli.narration import FAILED, print_json, say
from hitloop_tui.cli.options import json_option
from hitloop_tui.errors import BadInput, NotFound
from hitloop_tui.safetext import safe

if TYPE_CHECKING:
    from hitloop_tui.eval.metrics import ConditionMetrics
    from hitloop_tui.eval.rates import Share
    from hitloop_tui.scenarios import Scenario

FOLDER = click.Path(path_type=Path, file_okay=False)
LOG, RESULTS, SUMMARY = "experiment.db", "results.csv", "summary.json"
UNDEFINED = "-"
HEADINGS = ("condition", "asked", "caught, 95 %", "false rejects, 95 %", "escaped", "success", "ms")


@click.group()
def experiment() -> None:
    """Measure who notices injected errors."""


@experiment.command()
@click.option(
    "--scenario",
    "name",
    type=click.Choice(["email_draft", "record_update"]),
    default="email_draft",
    show_default=True,
    help="The task.",
)
@click.option(
    "--n-trials",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Trials per condition.",
)
@click.option("--seed", type=int, default=42, show_default=True, help="The same items again.")
@click.option(
    "--injection-rate",
    type=click.FloatRange(0, 1),
    default=0.2,
    show_default=True,
    help="Share of wrong actions.",
)
@click.option("--out", type=FOLDER, required=True, help="A folder for log, results and summary.")
@json_option
def run(
    name: str, n_trials: int, seed: int, injection_rate: float, out: Path, as_json: bool
) -> None:
    """Run the four standard conditions, with simulated operators.

    DIR gets the log (experiment.db), one row per trial (results.csv) and the figures
    (summary.json). Ctrl+C keeps what is done, with exit code 1.
    """
    if (out / LOG).exists():
        raise BadInput(f"{out} holds an experiment already: name another folder with --out")
    try:
        out.mkdir(parents=True, exist_ok=True)
        whole = _run(_scenario(name, out), n_trials, seed, injection_rate, out)
    except OSError as error:
        raise BadInput(f"{out}: {error}") from error
    if not whole:
        say("stopped: what follows is of the trials until now")
    say(f"{out / RESULTS} has the trials, {out / SUMMARY} the figures")
    _print(out, as_json=as_json)
    if not whole:
        sys.exit(FAILED)


def _scenario(name: str, out: Path) -> Scenario:
    from hitloop_tui.scenarios import EmailDraftScenario, RecordUpdateScenario

    if name == "record_update":
        return RecordUpdateScenario(db_path=out / "crm.db")
    return EmailDraftScenario(output_dir=out / "emails")


def _run(scenario: Scenario, n_trials: int, seed: int, rate: float, out: Path) -> bool:
    """Whether it ran to its end, or the person stopped it."""
    from hitloop_tui.core.logger import TelemetryLogger
    from hitloop_tui.eval.runner import ExperimentRunner, create_standard_conditions

    with closing(scenario), TelemetryLogger(out / LOG) as logger:
        runner = ExperimentRunner(logger, output_dir=out)
        for condition in create_standard_conditions(scenario, n_trials, rate, seed):
            runner.add_condition(condition)
        try:
            asyncio.run(runner.run_all())
            whole = True
        except KeyboardInterrupt:
            whole = False
        runner.export_results(RESULTS, SUMMARY)
    return whole


@experiment.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@json_option
def report(folder: Path, as_json: bool) -> None:
    """Print the figures of an experiment, also of one that was cut short."""
    _print(folder, as_json=as_json)


def _print(folder: Path, *, as_json: bool) -> None:
    from hitloop_tui.core.logger import TelemetryLogger
    from hitloop_tui.eval.metrics import MetricsCalculator
    from hitloop_tui.eval.tables import summary

    log = folder / LOG
    if not log.is_file():
        raise NotFound(f"there is no experiment in {folder}: {LOG} is missing")
    with TelemetryLogger(log) as logger:
        found = MetricsCalculator(logger).compute_all_conditions()
    if as_json:
        print_json(summary(found))
        return
    rows = [HEADINGS, *map(_row, found.values())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())
    for note in _notes(list(found.values())):
        click.echo(f"\n{note}")


def _row(metrics: ConditionMetrics) -> tuple[str, ...]:
    shares, median = metrics.shares, metrics.human_latency_median_ms
    return (
        safe(metrics.condition_id),
        _count(shares["approval_rate"]),
        _with_interval(shares["error_catch_rate"]),
        _with_interval(shares["false_reject_rate"]),
        _count(shares["escape_rate"]),
        _count(shares["success_rate"]),
        UNDEFINED if median is None else f"{median:.0f}",
    )


def _count(share: Share) -> str:
    return f"{share.k}/{share.n}" if share.n else UNDEFINED


def _with_interval(share: Share) -> str:
    if share.interval is None:
        return UNDEFINED
    low, high = share.interval
    return f"{_count(share)} {low:.1%} to {high:.1%}"


def _notes(conditions: list[ConditionMetrics]) -> Iterator[str]:
    yield (
        "caught: stopped or corrected, of all injected errors; false rejects: of the right actions "
        "that\nsomebody decided about; ms: median time to an answer; intervals: Wilson's."
    )
    kinds = {kind for metrics in conditions for kind in metrics.actor_kinds}
    if "simulated" in kinds:
        only = "Only simulated" if "human" not in kinds else "People and simulated"
        yield f"{only} operators answered: these figures say nothing about people alone."
