"""`worker`: the process that hosts graphs and applies decisions."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from hitloop_tui.attach.graph_ref import GraphRef, read_config
from hitloop_tui.cli.options import FILE, database, database_options, graph_options
from hitloop_tui.config import Settings, read_settings
from hitloop_tui.errors import BadInput, ConfigError


@click.command()
@click.argument("argument", metavar="[DB]", type=FILE, required=False)
@database_options
@graph_options
@click.option("--once", is_flag=True, help="Apply what is recorded, then end.")
def worker(
    argument: Path | None,
    db: Path | None,
    ledger: Path | None,
    graphs: tuple[str, ...],
    config: Path | None,
    once: bool,
) -> None:
    """Apply decisions to their threads, until stopped.

    With --once: exit 0 when every decision was applied, 3 when one was stale or no graph here could
    take it, 1 when one failed.
    """
    settings = read_settings()
    path = database(argument, db, settings)
    refs = graph_refs(graphs, config, settings)
    if not refs:
        raise BadInput("a worker needs graphs: --graph NAME=FILE.py:VAR or --config langgraph.json")
    if once and not path.exists():
        raise BadInput(f"there is no database {path}")
    from hitloop_tui.attach.serving import run_worker  # imports LangGraph: 1 to 5 s

    sys.exit(
        run_worker(path, ledger or settings.ledger_of(path), refs, once=once, masks=settings.masks)
    )


def graph_refs(graphs: Sequence[str], config: Path | None, settings: Settings) -> list[GraphRef]:
    """Graphs of the command line, else of the settings. Raises ConfigError for two of one name."""
    config = config or (None if graphs else settings.config)
    refs = [GraphRef.parse(text) for text in graphs]
    refs += read_config(config) if config else []
    if not graphs and not config:
        named = settings.graphs.items()
        refs = [GraphRef.parse(f"{name}={ref}", base=settings.folder) for name, ref in named]
    names = [ref.name for ref in refs]
    for ref in refs:
        if names.count(ref.name) > 1:
            raise ConfigError(f"{ref.origin}: another graph is named {ref.name} too")
    return refs
