"""Edited arguments: the schema's shape where there is one, else the shape they had before."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection
from typing import Any

from hitloop_tui.attach.review import ReviewAction, Verdict
from hitloop_tui.errors import InvalidVerdict

DEEPEST = 48
"""Levels of lists and objects in a verdict. The console reads 64 of them, the answer's own included
(`decode.MAX_DEPTH`)."""
_HALF = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair."""


def check_storable(verdict: Verdict) -> None:
    """Raise InvalidVerdict naming the first value that a checkpoint cannot hold.

    LangGraph finds that out only when the answer has been used and the task ends.
    """
    for field, value in (("reason", verdict.reason), ("the answer", verdict.value)):
        _check_storable(value, field)
    for name, value in (verdict.args or {}).items():
        _check_storable(name, name)
        _check_storable(value, name)


def _check_storable(value: Any, field: str, depth: int = 0) -> None:
    match value:
        case bool():
            why = None
        case int() if not -(2**63) <= value < 2**64:
            why = "an integer of more than 64 bits"
        case float() if not math.isfinite(value):
            why = "no finite number"
        case str() if _HALF.search(value):
            why = "text that is not UTF-8: half of a surrogate pair"
        case list() | dict() if depth >= DEEPEST:
            why = f"nested more than {DEEPEST} deep"
        case _:
            why = None
    if why is not None:
        raise InvalidVerdict(f"{field}: {why}, which cannot be stored as it is")
    if isinstance(value, dict):
        for name, item in value.items():
            _check_storable(name, f"{field}.{name}", depth + 1)
            _check_storable(item, f"{field}.{name}", depth + 1)
    if isinstance(value, list):
        for index, item in enumerate(value):
            _check_storable(item, f"{field}[{index}]", depth + 1)


def check_args(action: ReviewAction, args: dict[str, Any]) -> dict[str, Any]:
    """The edited arguments, with integers given for floats made floats.

    Raises InvalidVerdict naming the first field that is missing, unknown or of another type.
    """
    if action.args_schema is not None:
        _check_known(action, args, action.args_schema)
        check_schema(args, action.args_schema)
        return args
    before = action.tool_args
    _check_names(action, args, before.keys())
    for name in before.keys() - args.keys():
        raise InvalidVerdict(f"{name}: missing; an edit gives the whole argument object")
    return {name: _conform(before[name], value, str(name)) for name, value in args.items()}


def _check_known(action: ReviewAction, args: dict[str, Any], schema: dict[str, Any]) -> None:
    """Most schemas admit unknown names and most tools ignore them: a typo would change nothing."""
    named = schema.get("properties")
    if isinstance(named, dict) and not schema.get("additionalProperties"):
        _check_names(action, args, {*named, *action.tool_args})


def _check_names(action: ReviewAction, args: dict[str, Any], known: Collection[str]) -> None:
    for name in args:
        if name not in known:
            near = difflib.get_close_matches(str(name), map(str, known), 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise InvalidVerdict(f"{name}: {action.tool_name} was not given this argument{hint}")


def check_schema(value: Any, schema: dict[str, Any]) -> None:
    """Raise InvalidVerdict naming the first field that violates a JSON Schema."""
    from jsonschema import exceptions, validators  # 110 ms, and most sessions never need it
    from referencing import Registry

    try:
        kind = validators.validator_for(schema, default=validators.Draft202012Validator)
        # Without a registry of one's own, a $ref to a URL is fetched from the network.
        validator = kind(schema, registry=Registry())
        error = exceptions.best_match(validator.iter_errors(value))
    except Exception as broken:  # a schema from the data may be nonsense in many ways
        raise InvalidVerdict(f"the question's own schema cannot be used: {broken}") from broken
    if error is not None:
        field = ".".join(str(part) for part in error.absolute_path) or "the value"
        raise InvalidVerdict(f"{field}: {error.message}")


def json_type(value: Any) -> str:
    """The value's JSON type, with integers told from other numbers."""
    match value:
        case None:
            return "null"
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "float"
        case str():
            return "str"
        case list() | tuple():
            return "list"
        case dict():
            return "object"
    return type(value).__name__


def _conform(before: Any, after: Any, field: str) -> Any:
    was, is_ = json_type(before), json_type(after)
    if was == "null":
        return after
    if was == "float" and is_ == "int":
        return float(after)
    if was != is_:
        raise InvalidVerdict(f"{field}: was {was}, is {is_} now; types are kept in an edit")
    if was == "object":
        return {
            key: _conform(before[key], value, f"{field}.{key}") if key in before else value
            for key, value in after.items()
        }
    if was == "list":
        return _conform_list(before, after, field)
    return after


def _conform_list(before: list[Any], after: list[Any], field: str) -> list[Any]:
    """Items may come and go; each has a type that the list held before."""
    known: dict[str, Any] = {json_type(item): item for item in before}
    if not known or "null" in known:
        return after
    conformed = []
    for index, item in enumerate(after):
        kind = json_type(item)
        if kind == "int" and "float" in known and "int" not in known:
            kind = "float"
        if kind not in known:
            held = " or ".join(sorted(known))
            raise InvalidVerdict(f"{field}[{index}]: the list held {held}, this is {kind}")
        same = before[index] if index < len(before) else known[kind]
        like = same if json_type(same) == kind else known[kind]
        conformed.append(_conform(like, item, f"{field}[{index}]"))
    return conformed
