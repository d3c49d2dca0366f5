"""The policy of a file, which follows the file while agents run."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from hitloop_tui.core.interfaces import HITLPolicy, PolicyVerdict
from hitloop_tui.core.models import Action
from hitloop_tui.errors import ConfigError
from hitloop_tui.policies.rule_file import read_rules
from hitloop_tui.policies.rules import Explanation, Rule, explain

_log = logging.getLogger(__name__)

WATCH_STEP_MS = 50
"""A change counts when nothing has changed for so long: half a file is no edit."""
LOOK_MS = 2000
"""How often the file is looked at although nobody told of a change: a link may lead to a folder
that is not watched, and network drives tell nothing."""

Stamp = tuple[int, ...]


class RulePolicy(HITLPolicy):
    """The rules of a TOML file (see `rules`), read again whenever the file changes.

    A file that is wrong at the start raises PolicyFileError. An edit that is wrong is not applied:
    the last good rules stay, `problem` says where the mistakes are, and so does the log, once.
    """

    def __init__(self, path: str | Path, watch: bool = True) -> None:
        self.path = Path(path).absolute()
        self._stamp = _stamp(self.path)
        self._rules = read_rules(self.path)
        self._problem: str | None = None
        self._stop = threading.Event()
        if watch:
            arguments = (weakref.ref(self), self.path, self._stop)
            threading.Thread(
                target=_follow, args=arguments, name="policy-file", daemon=True
            ).start()
            weakref.finalize(self, self._stop.set)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop following the file."""
        self._stop.set()

    @property
    def name(self) -> str:
        return f"rules:{self.path.name}"

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules in force."""
        return self._rules

    @property
    def problem(self) -> str | None:
        """What is wrong with the file as it is now; None when it is in force."""
        return self._problem

    def explain(self, action: Action) -> Explanation:
        """Which rule fires, and why."""
        return explain(self._rules, action)

    def verdict(self, action: Action, state: dict[str, Any]) -> PolicyVerdict:
        return self.explain(action).verdict

    def should_request_approval(self, action: Action, state: dict[str, Any]) -> tuple[bool, str]:
        """For code that knows only ask or not: what the file rejects is asked about."""
        verdict = self.verdict(action, state)
        return verdict.outcome != "auto_approve", verdict.reason

    def refresh(self) -> None:
        """Read the file if it is another one than it was."""
        stamp = _stamp(self.path)
        if stamp != self._stamp:
            self._stamp = stamp
            self.reload()

    def reload(self) -> None:
        """Read the file now."""
        try:
            self._rules, problem = read_rules(self.path), None
        except ConfigError as error:
            problem = str(error)
        if problem == self._problem:
            return
        if problem is None:
            _log.info("%s: its rules are in force again", self.path)
        else:
            _log.error("%s\nThe rules before this edit stay in force.", problem)
        self._problem = problem


def _stamp(path: Path) -> Stamp:
    """What tells two versions of a file apart; empty when there is none."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _follow(policy: weakref.ref[RulePolicy], path: Path, stop: threading.Event) -> None:
    """Keep the policy up to date for as long as anybody uses it."""
    for _ in _wakes(path.parent, stop):
        target = policy()
        if target is None:
            return
        target.refresh()
        del target


def _wakes(folder: Path, stop: threading.Event) -> Iterator[None]:
    """Whenever something changes in the folder, and every `LOOK_MS`. The folder, because an editor
    that saves by renaming replaces the file."""
    from watchfiles import watch

    while not stop.is_set():
        try:
            for _ in watch(
                folder,
                stop_event=stop,
                step=WATCH_STEP_MS,
                rust_timeout=LOOK_MS,
                yield_on_timeout=True,
                recursive=False,
                raise_interrupt=False,
                watch_filter=None,
            ):
                yield
        except (OSError, RuntimeError) as error:  # the folder is gone, or no watches are left
            _log.debug("%s cannot be watched: %s", folder, error)
            stop.wait(LOOK_MS / 1000)
            yield
