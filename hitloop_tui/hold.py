"""How long a decision waits before a worker may take it, so that a slip can be taken back."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from hitloop_tui.errors import ConfigError

LONGEST_S = 3600.0


@dataclass(frozen=True, slots=True)
class Hold:
    """Seconds by risk class. An unrated Action may be anything: it waits as long as medium."""

    low: float = 0.0
    medium: float = 2.0
    high: float = 5.0

    def seconds(self, risk: str | None) -> float:
        return {"low": self.low, "high": self.high}.get(risk or "", self.medium)

    @classmethod
    def read(cls, given: object, where: str) -> Hold:
        """From a table of settings, or one number for all. Raises ConfigError naming `where`."""
        names = [field.name for field in fields(cls)]
        table: dict[str, Any] = given if isinstance(given, dict) else dict.fromkeys(names, given)
        for name, value in table.items():
            if name not in names:
                raise ConfigError(f"{where}: {name!r} is no risk class; known: {', '.join(names)}")
            if type(value) not in (int, float) or not 0 <= value <= LONGEST_S:
                raise ConfigError(f"{where}: {name} must be seconds from 0 to {LONGEST_S:.0f}")
        return cls(**{name: float(value) for name, value in table.items()})


NO_HOLD = Hold(0.0, 0.0, 0.0)
