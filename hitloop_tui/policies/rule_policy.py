"""The policy of a file, which follows the file while agents run."""

from __future__ import annotations

import logging
import threading
import weakref
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hitloop_tui.core.interfaces import HITLPolicy, PolicyVerdict
from hitloop_tui.core.models import Action
from hitloop_tui.errors import ConfigError
from hitloop_tui.policies.rules import Explanation, Rule, explain, read_rules

_log = logging.getLogger(__name__)

WATCH_STEP_MS = 50
ALIVE_MS = 2000
"""How often the watching thread looks whether its policy is still used."""


class RulePolicy(HITLPolicy):
    """The rules of a TOML file (see `rules`), read again whenever the file changes.

    A file that is wrong at the start raises ConfigError. An edit that is wrong is not applied: the
    last good rules stay, `problem` says where the mistake is, and so does the log, once.
    """

    def __init__(self, path: str | Path, watch: bool = True) -> None:
        self.path = Path(path).absolute()
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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
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

    def reload(self) -> None:
        """Read the file now."""
        try:
            self._rules, problem = read_rules(self.path), None
        except ConfigError as error:
            problem = str(error)
        if problem is not None and problem != self._problem:
            _log.error("%s; the rules before this edit stay in force", problem)
        self._problem = problem


def _follow(policy: weakref.ref[RulePolicy], path: Path, stop: threading.Event) -> None:
    """Watch the directory: an editor that saves by renaming replaces the file."""
    from watchfiles import watch

    changes = watch(
        path.parent,
        stop_event=stop,
        step=WATCH_STEP_MS,
        rust_timeout=ALIVE_MS,
        yield_on_timeout=True,
        recursive=False,
        raise_interrupt=False,
        watch_filter=lambda _, changed: Path(changed).name == path.name,
    )
    for _ in changes:
        target = policy()
        if target is None:
            return
        target.reload()
        del target
