"""Does an argument match a glob? Strictly for rules that let a call run, loosely for those that
stop it: both err on the side of asking a person.

Strictly, the glob answers for all of a value: for every element of a list, and for every part of a
text that lists several (`a@x, b@y`; `ls; rm`). A wildcard stands for no character that does not
print, and for no `..` in a path. What has names inside is reached by their path, not by a glob.

Loosely, one element or one part is enough, and neither case nor width of letters counts.

Either way a `*` alone stands for anything that is there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from hitloop_tui.core.plain_json import json_text
from hitloop_tui.policies.arguments import loosely, parts

Globs = tuple[str, ...]

ANYTHING = "*"
SEPARATORS = ",;|&<>`$\n\r"
"""What ends one address or shell command and begins the next, unless the glob itself has it."""
SHOWN = 80
MISSING = object()
"""An element of a list that lacks what the others have."""


def reach(value: Any, path: str) -> Iterator[Any]:
    """All that `path` may mean: `a.b` is the field `b` of `a`, of each in a list `a`, or the name
    `a.b`."""
    if isinstance(value, list | tuple):
        for element in value:
            yield from list(reach(element, path)) or [MISSING]
        return
    inside = {name: inner for name, inner in parts(value) if name is not None}
    if path in inside:
        yield inside[path]
    for place, char in enumerate(path):
        if char == "." and path[:place] in inside:
            yield from reach(inside[path[:place]], path[place + 1 :])


def strict_mismatch(value: Any, globs: Globs) -> str | None:
    """What keeps `value` from matching, in words; None when it matches."""
    if value is MISSING:
        return "missing from an element"
    if ANYTHING in globs:
        return None
    inside = list(parts(value))
    if any(name is not None for name, _ in inside):
        return f"{shown(value)}, and has names inside"
    if inside:
        found = (strict_mismatch(element, globs) for _, element in inside)
        return next((why for why in found if why is not None), None)
    whys = [_obstacle(text_of(value), glob) for glob in globs]
    if None in whys:
        return None
    return f"{shown(value)}, not {either(globs)}{next(filter(None, whys), '')}"


def matches_loosely(value: Any, globs: Globs) -> bool:
    if value is MISSING or ANYTHING in globs:
        return value is not MISSING
    inside = list(parts(value))
    if inside:
        return any(
            matches_loosely(inner, globs) or (name is not None and matches_loosely(name, globs))
            for name, inner in inside
        )
    return any(
        fnmatchcase(text, glob) or fnmatchcase(loosely(text).strip(), loosely(glob))
        for glob in globs
        for text in (*_spellings(value), *_listed(text_of(value), glob))
    )


def text_of(value: Any) -> str:
    """What a glob is compared with: numbers, booleans and null as JSON writes them."""
    return json.dumps(value) if value is None or isinstance(value, int | float) else str(value)


def either(globs: Globs) -> str:
    return " or ".join(map(shown, globs))


def shown(value: Any) -> str:
    text = json_text(value, ascii_only=False)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… +{len(text) - SHOWN} characters"


def _obstacle(text: str, glob: str) -> str | None:
    """None when `text` matches; else what is in the way where a plain glob would match."""
    listed = _listed(text, glob)
    unseen = next((char for char in text if not char.isprintable() and char not in glob), None)
    if any(map(_climbs, listed)) and not _climbs(glob):
        unseen = ".."
    wrong = next((part for part in listed if not fnmatchcase(part, glob)), None)
    if unseen is None and wrong is None:
        return None
    if not fnmatchcase(text, glob):
        return ""
    if unseen is not None:
        return f" (a wildcard does not stand for {shown(unseen)})"
    return f" (its part {shown(wrong)} does not match)"


def _listed(text: str, glob: str) -> list[str]:
    """The parts of a text that lists several, or the whole."""
    separators = "".join(char for char in SEPARATORS if char not in glob)
    found = re.split(f"[{re.escape(separators)}]", text) if separators else [text]
    if len(found) == 1:
        return found
    return [part for one in found if (part := one.strip())] or [text]


def _climbs(path: str) -> bool:
    return ".." in re.split(r"[/\\]", path)


def _spellings(value: Any) -> Iterator[str]:
    """100 and 100.0 are the same amount."""
    yield text_of(value)
    if isinstance(value, int) and not isinstance(value, bool):
        yield f"{value}.0"
    elif isinstance(value, float) and value.is_integer():
        yield str(int(value))
