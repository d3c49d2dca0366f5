"""The customer database that `RecordUpdateScenario` plays with."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE customers (
    customer_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT,
    phone TEXT,
    address TEXT,
    status TEXT DEFAULT 'active',
    notes TEXT,
    credit_limit REAL DEFAULT 1000.0,
    account_balance REAL DEFAULT 0.0,
    password_hash TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE audit_log (
    id INTEGER PRIMARY KEY,
    customer_id TEXT,
    field_name TEXT,
    old_value TEXT,
    new_value TEXT,
    changed_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    change_source TEXT
);
"""
CUSTOMERS = [
    ("CUST001", "Alice Smith", "alice@example.com", "555-0101", "123 Main St"),
    ("CUST002", "Bob Johnson", "bob@example.com", "555-0102", "456 Oak Ave"),
    ("CUST003", "Carol Williams", "carol@example.com", "555-0103", "789 Pine Rd"),
    ("CUST004", "Dave Brown", "dave@example.com", "555-0104", "321 Elm St"),
    ("CUST005", "Eve Davis", "eve@example.com", "555-0105", "654 Maple Dr"),
]
INSERT = "INSERT INTO customers (customer_id, name, email, phone, address) VALUES (?,?,?,?,?)"
_KEY = "customer_id"


class Crm:
    """Opened on first use. It is a toy: nothing in it needs to survive a power cut."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: sqlite3.Connection | None = None
        self._changes = -1

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            connection.row_factory = sqlite3.Row
            connection.executescript("PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY;")
            self._connection = connection
            if not connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
                _fill(connection)
        return self._connection

    def update(self, customer_id: str, field: str, value: Any, **extra: Any) -> dict[str, Any]:
        connection, found = self._open(), self.get(customer_id)
        if not found["success"]:
            return found
        old = found["customer"]
        if field not in old or field == _KEY:
            valid = [name for name in old if name != _KEY]
            return {"success": False, "error": f"Invalid field: {field}", "valid_fields": valid}
        connection.execute("BEGIN")
        try:
            # `field` is one of the table's own column names.
            connection.execute(
                f"UPDATE customers SET {field}=?, updated_at=CURRENT_TIMESTAMP WHERE customer_id=?",
                (value, customer_id),
            )
            connection.execute(
                "INSERT INTO audit_log (customer_id, field_name, old_value, new_value,"
                " change_source) VALUES (?,?,?,?,'hitloop')",
                (customer_id, field, str(old[field]), str(value)),
            )
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
        return {
            "success": True,
            "customer_id": customer_id,
            "field": field,
            "old_value": old[field],
            "new_value": value,
            "message": f"Updated {field} for {customer_id}",
        }

    def get(self, customer_id: str, **extra: Any) -> dict[str, Any]:
        query = "SELECT * FROM customers WHERE customer_id=?"
        row = self._open().execute(query, (customer_id,)).fetchone()
        if row is None:
            error = f"Customer not found: {customer_id}"
            return {"success": False, "error": error, "customer_id": customer_id}
        return {"success": True, "customer": dict(row)}

    def list(self, limit: int = 10, **extra: Any) -> dict[str, Any]:
        query = "SELECT customer_id, name, email, status FROM customers LIMIT ?"
        rows = [dict(row) for row in self._open().execute(query, (limit,))]
        return {"success": True, "customers": rows, "count": len(rows)}

    def was_audited(self, customer_id: str | None, field: str | None) -> bool:
        query = "SELECT 1 FROM audit_log WHERE customer_id=? AND field_name=? LIMIT 1"
        return self._open().execute(query, (customer_id, field)).fetchone() is not None

    def reset(self) -> None:
        connection = self._open()
        if connection.total_changes == self._changes:
            return
        if self._changes < 0:  # whatever was in the file before
            connection.executescript(
                "DROP TABLE IF EXISTS customers; DROP TABLE IF EXISTS audit_log;"
            )
            _fill(connection)
        else:
            connection.execute("BEGIN")
            connection.execute("DELETE FROM customers")
            connection.execute("DELETE FROM audit_log")
            connection.executemany(INSERT, CUSTOMERS)
            connection.execute("COMMIT")
        self._changes = connection.total_changes

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self._changes = -1


def _fill(connection: sqlite3.Connection) -> None:
    connection.executescript(SCHEMA)
    connection.executemany(INSERT, CUSTOMERS)
