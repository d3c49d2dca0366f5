"""One attachment of the console or the command line to a database."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from hitloop_tui.attach.approvals import Approvals
from hitloop_tui.attach.breakpoints import Breakpoints
from hitloop_tui.attach.checkpoints import Checkpoints
from hitloop_tui.attach.events import LedgerEvents
from hitloop_tui.attach.inbox import Inbox
from hitloop_tui.attach.ledger import Ledger
from hitloop_tui.attach.ledger_file import LedgerFile
from hitloop_tui.attach.masks import MASKS, Masks
from hitloop_tui.attach.source import Source
from hitloop_tui.attach.sources import Sources
from hitloop_tui.attach.telemetry import Telemetry
from hitloop_tui.attach.trace import Trace
from hitloop_tui.hold import NO_HOLD, Hold
from hitloop_tui.paths import approvals_path, ledger_path, telemetry_path


@dataclass(frozen=True, slots=True)
class Session:
    """A source of questions, the ledger beside it, and the inbox over both."""

    db: Path
    source: Source
    ledger: Ledger
    inbox: Inbox
    telemetry: tuple[Telemetry, ...]

    @classmethod
    def open(
        cls,
        db: Path,
        ledger: Path | None = None,
        telemetry: Path | None = None,
        hold: Hold = NO_HOLD,
        masks: Masks = MASKS,
    ) -> Session:
        """Attach to a checkpoint database. None of the files needs to exist yet.

        Loggers that write into the database itself or into the ledger are found there, too.
        Raises DatabaseError when `db` exists and is no checkpoint database.
        """
        file = LedgerFile(ledger or ledger_path(db), beside=db)
        checkpoints = Checkpoints(db, masks)
        stored = Approvals(approvals_path(db))
        source = Sources(checkpoints, stored, Breakpoints(checkpoints, file))
        book = Ledger(file)
        logged = dict.fromkeys((telemetry or telemetry_path(db), db, file.path))
        told = tuple(Telemetry(path, masks) for path in logged)
        return cls(db, source, book, Inbox(source, book, hold, masks), told)

    @property
    def watched(self) -> tuple[Path, ...]:
        """Files whose change may mean news."""
        ledger = self.ledger.file.path
        logged = chain.from_iterable(file.watched for file in self.telemetry)
        return *self.source.watched, ledger, ledger.with_name(ledger.name + "-wal"), *logged

    def version(self) -> object:
        """Differs after any other connection has committed to one of the files."""
        logged = tuple(file.data_version() for file in self.telemetry)
        return self.source.data_version(), self.ledger.file.data_version(), logged

    @property
    def masks(self) -> Masks:
        """What is shown only to who asks."""
        return self.inbox.masks

    def trace(self, thread_id: str | None = None) -> Trace:
        return Trace(
            (self.source, LedgerEvents(self.ledger.file), *self.telemetry), thread_id, self.masks
        )

    def close(self) -> None:
        self.source.close()
        self.ledger.file.close()
        for file in self.telemetry:
            file.close()
