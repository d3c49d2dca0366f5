"""`.env` files, as far as `langgraph.json` uses them: KEY=value lines, quotes, comments."""

from __future__ import annotations

import re
from pathlib import Path

from hitloop_tui.errors import ConfigError

_LINE = re.compile(
    r"""\s*(?:export\s+)?(?P<key>[A-Za-z_][\w.]*)\s*=\s*
        (?:'(?P<single>[^']*)'|"(?P<double>[^"]*)"|(?P<bare>.*?))\s*(?:\s\#.*)?""",
    re.VERBOSE,
)


def read(path: Path, *, origin: str) -> dict[str, str]:
    """The variables of a file; `origin` names the setting that pointed here."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigError(f"{origin}: {path} cannot be read: {error.strerror}") from error
    found = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        pair = _LINE.fullmatch(line)
        if pair is None:
            raise ConfigError(f"{path}:{number}: is not KEY=value")
        found[pair["key"]] = next(
            v for v in (pair["single"], pair["double"], pair["bare"]) if v is not None
        )
    return found
