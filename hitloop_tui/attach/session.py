"""One attachment of the console or the command line to a database."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hitloop_tui.attach.approvals import Approvals
from hitloop_tui.attach.checkpoints import Checkpoints
from hitloop_tui.attach.inbox import Inbox
from hitloop_tui.attach.ledger import Ledger
from hitloop_tui.attach.ledger_file import LedgerFile
from hitloop_tui.attach.source import Source
from hitloop_tui.attach.sources import Sources
from hitloop_tui.attach.trace import Trace
from hitloop_tui.hold import NO_HOLD, Hold
from hitloop_tui.paths import approvals_path, ledger_path


@dataclass(frozen=True, slots=True)
class Session:
    """A source of questions, the ledger beside it, and the inbox over both."""

    source: Source
    ledger: Ledger
    inbox: Inbox

    @classmethod
    def open(cls, db: Path, ledger: Path | None = None, hold: Hold = NO_HOLD) -> Session:
        """Attach to a checkpoint database. Neither file needs to exist yet.

        Raises DatabaseError when `db` exists and is no checkpoint database.
        """
        source = Sources(Checkpoints(db), Approvals(approvals_path(db)))
        file = LedgerFile(ledger or ledger_path(db), beside=db)
        book = Ledger(file)
        return cls(source, book, Inbox(source, book, hold))

    @property
    def watched(self) -> tuple[Path, ...]:
        """Files whose change may mean news."""
        ledger = self.ledger.file.path
        return *self.source.watched, ledger, ledger.with_name(ledger.name + "-wal")

    def version(self) -> object:
        """Differs after any other connection has committed to either file."""
        return self.source.data_version(), self.ledger.file.data_version()

    def trace(self, thread_id: str | None = None) -> Trace:
        return Trace(self.source, self.ledger.file, thread_id)

    def close(self) -> None:
        self.source.close()
        self.ledger.file.close()
