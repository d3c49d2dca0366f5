"""The tables of the SQL stores, as the console reads them, too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

TABLE = "hitloop_approvals"
PENDING = "decision IS NULL AND (expires_us IS NULL OR expires_us > ?)"
STORED = "decision, delivery_id, delivered_to"

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def schema(text_type: str = "TEXT") -> tuple[str, ...]:
    """Statements that create what is missing; `text_type` compares bytewise."""
    return (
        f"""CREATE TABLE IF NOT EXISTS {TABLE} (
            callback_id {text_type} PRIMARY KEY,
            thread_id {text_type} NOT NULL,
            question TEXT NOT NULL,
            body TEXT NOT NULL,
            created_us BIGINT NOT NULL,
            expires_us BIGINT,
            decision TEXT,
            decided_us BIGINT,
            delivery_id TEXT,
            delivered_to TEXT
        )""",
        f"CREATE INDEX IF NOT EXISTS {TABLE}_pending ON {TABLE}"
        " (created_us, callback_id) WHERE decision IS NULL",
        f"CREATE INDEX IF NOT EXISTS {TABLE}_thread ON {TABLE}"
        " (thread_id, created_us, callback_id) WHERE decision IS NULL",
        f"CREATE INDEX IF NOT EXISTS {TABLE}_expires ON {TABLE}"
        " (expires_us) WHERE decision IS NULL",
        f"CREATE INDEX IF NOT EXISTS {TABLE}_question ON {TABLE} (question)",
    )


def microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND
