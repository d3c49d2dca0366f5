"""Rows of a query, whatever somebody has written into them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any


def fetched(
    connection: sqlite3.Connection, sql: str, parameters: Sequence[object] | Mapping[str, object]
) -> list[Any]:
    """All rows, also when one of them has a text that is no UTF-8 and would refuse the others.

    None where a parameter has half of a surrogate pair: no stored text does.
    """
    try:
        return connection.execute(sql, parameters).fetchall()
    except UnicodeEncodeError:
        return []
    except sqlite3.OperationalError as error:
        if "UTF-8" not in str(error) or connection.text_factory is not str:
            raise
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    return connection.execute(sql, parameters).fetchall()
