"""Wrong Actions that look right: one function per kind of error.

Each returns None when the Action has nothing of its kind to get wrong. What is returned always
differs from the Action.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hitloop_tui.core.models import Action

RECIPIENT_KEYS = ("recipient", "to", "recipients", "email")
ID_KEYS = ("customer_id", "record_id", "id", "user_id")
AMOUNT_KEYS = ("amount", "value", "price", "total")
TEXT_KEYS = ("body", "text", "message", "content", "notes", "description", "value")
FACTORS = (10, 100)
"""How far the decimal point slips."""
PRIVATE = (
    "Card 4539 1488 0343 6467, valid until 09/27.",
    "My social security number is 219-09-9999.",
    "The password for the shared mailbox is Harbour-Lumen-42.",
)


@dataclass(frozen=True, slots=True)
class Mutation:
    """The call after a mistake."""

    tool_name: str
    tool_args: dict[str, Any]
    fields: tuple[str, ...] = ()
    """The arguments that are wrong."""
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """Where wrong values come from."""

    rng: random.Random
    decoys: Mapping[str, Sequence[Any]]
    """Values of other cases, by argument name."""
    tools: Sequence[str]


Mistake = Callable[[Action, Source], Mutation | None]


def wrong_recipient(action: Action, source: Source) -> Mutation | None:
    for key in RECIPIENT_KEYS:
        value = action.tool_args.get(key)
        wrong: Any = None
        if isinstance(value, str):
            wrong = _other(key, value, source, near_addresses)
        elif isinstance(value, list) and value and isinstance(value[0], str):
            first = _other(key, value[0], source, near_addresses)
            wrong = None if first is None else [first, *value[1:]]
        if wrong is not None:
            return _changed(action, key, wrong, "recipient")
    return None


def wrong_record_id(action: Action, source: Source) -> Mutation | None:
    others = (key for key in action.tool_args if key.endswith("_id") and key not in ID_KEYS)
    for key in (*ID_KEYS, *others):
        value = action.tool_args.get(key)
        if isinstance(value, str | int) and not isinstance(value, bool):
            wrong = _other(key, value, source, near_ids)
            if wrong is not None:
                return _changed(action, key, wrong, "id")
    return None


def wrong_amount(action: Action, source: Source) -> Mutation | None:
    for key in AMOUNT_KEYS:
        value = action.tool_args.get(key)
        wrong = near_amount(value, source.rng)
        if wrong is not None:
            return _changed(action, key, wrong, "amount")
    return None


def wrong_tool(action: Action, source: Source) -> Mutation | None:
    tools = [name for name in source.tools if name != action.tool_name]
    if not tools:
        return None
    name = source.rng.choice(tools)
    details = {"original_tool": action.tool_name, "injected_tool": name}
    return Mutation(name, dict(action.tool_args), details=details)


def private_data(action: Action, source: Source) -> Mutation | None:
    for key in TEXT_KEYS:
        text = action.tool_args.get(key)
        if isinstance(text, str) and " " in text:
            wrong = f"{text}\n\n{source.rng.choice(PRIVATE)}"
            return _changed(action, key, wrong, "text")
    return None


def malformed(action: Action, source: Source) -> Mutation | None:
    broken = {key: _broken(value, source.rng) for key, value in action.tool_args.items()}
    keys = [key for key, value in broken.items() if value is not None]
    if not keys:
        return None
    key = source.rng.choice(keys)
    return _changed(action, key, broken[key], "value")


def near_addresses(address: str) -> Iterator[str]:
    """What a typing error or a wrong entry of an address book makes of it."""
    local, at, domain = address.partition("@")
    for place in range(len(local) - 1):
        yield local[:place] + local[place + 1] + local[place] + local[place + 2 :] + at + domain
    if len(local) > 2:
        yield local[:-1] + at + domain
    host, dot, top = domain.rpartition(".")
    if dot:
        for other in ("com", "net", "org", "co"):
            if other != top:
                yield f"{local}@{host}.{other}"
        yield f"{local}@{host}s.{top}"
    if not at:
        yield f"{local}2"


def near_ids(value: str | int) -> Iterator[str | int]:
    """The neighbours of a record, and its id with two digits swapped."""
    if isinstance(value, int):
        yield from (value + 1, value + 2, value + 10, abs(value - 1))
        return
    found = re.search(r"\d+(?=\D*$)", value)
    if found is None:
        yield from (f"{value}2", value[:-1])
        return
    digits, before, after = found[0], value[: found.start()], value[found.end() :]
    for step in (1, 2, 10):
        yield f"{before}{(int(digits) + step) % 10 ** len(digits):0{len(digits)}d}{after}"
    if len(digits) > 1:
        yield f"{before}{digits[:-2]}{digits[-1]}{digits[-2]}{after}"


def near_amount(value: Any, rng: random.Random) -> Any:
    """`value` with its decimal point slipped; None for what is no finite number."""
    match value:
        case bool():
            return None
        case int():
            return value * rng.choice(FACTORS) if value else rng.randint(10, 99)
        case float() if math.isfinite(value):
            wrong = value * rng.choice(FACTORS) if value else float(rng.randint(10, 99))
            wrong = wrong if math.isfinite(wrong) else value / FACTORS[0]
            return round(wrong, 2) if abs(wrong) >= 1 else wrong
        case str() if re.fullmatch(r"-?\d+(\.\d+)?", value):
            whole, dot, part = value.partition(".")
            wrong = near_amount(int(whole + part), rng)
            return f"{wrong / 10 ** len(part):.{len(part)}f}" if dot else str(wrong)
    return None


def _other(
    key: str, value: Any, source: Source, near: Callable[[Any], Iterator[Any]]
) -> Any | None:
    """A decoy where there is one, else a near miss."""
    usable = [one for one in source.decoys.get(key, ()) if one != value]
    usable = usable or list(dict.fromkeys(one for one in near(value) if one not in (value, "")))
    return source.rng.choice(usable) if usable else None


def _broken(value: Any, rng: random.Random) -> Any | None:
    if isinstance(value, str) and len(value) > 1:
        return value[: rng.randrange(1, len(value))]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value} EUR"
    return None


def _changed(action: Action, key: str, wrong: Any, what: str) -> Mutation:
    details = {f"original_{what}": action.tool_args[key], f"injected_{what}": wrong}
    return Mutation(action.tool_name, {**action.tool_args, key: wrong}, (key,), details)
