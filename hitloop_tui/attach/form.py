"""A form from the JSON Schema of an answer: which fields it has, and what was typed as values.

Only what a line, a box or a list of choices can hold becomes a field of its own; anything else is
typed as JSON. The schema itself stays the judge of the whole answer (`shapes.check`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from hitloop_tui.core.strict_json import NotJson, parse_json
from hitloop_tui.errors import InvalidVerdict

MAX_FIELDS = 40
MISSING: Any = object()
"""No value: the property is left out."""


class Widget(StrEnum):
    """How a field is filled in."""

    TEXT = "text"
    NUMBER = "number"
    SWITCH = "switch"
    ONE = "one of several"
    MANY = "some of several"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Field:
    """One value a person gives."""

    name: str | None
    """The property; None when the field is the whole answer."""
    widget: Widget
    title: str = ""
    help: str = ""
    required: bool = True
    nullable: bool = False
    whole: bool = False
    """For a number: only integers."""
    options: tuple[Any, ...] = ()
    """Values to choose from."""
    free: bool = False
    """Whether a text that is none of the options will do, too."""
    default: Any = MISSING


def fields_of(schema: Mapping[str, Any]) -> tuple[Field, ...] | None:
    """The fields of an answer; None when it can only be typed as JSON."""
    top = _resolved(schema, schema)
    if top.get("type") != "object":
        field = _field(None, top, schema, required=True)
        return None if field.widget is Widget.JSON else (field,)
    properties = top.get("properties")
    if not isinstance(properties, dict) or not 0 < len(properties) <= MAX_FIELDS:
        return None
    required = top.get("required")
    needed = required if isinstance(required, list) else []
    return tuple(
        _field(name, _resolved(part, schema), schema, required=name in needed)
        for name, part in properties.items()
    )


def answer_of(fields: Sequence[Field], entered: Sequence[Any]) -> Any:
    """The answer; `entered` has one value per field: text, a bool, or the options chosen.

    Raises InvalidVerdict naming the field that cannot be read.
    """
    values = [_value(field, given) for field, given in zip(fields, entered, strict=True)]
    if len(fields) == 1 and fields[0].name is None:
        return values[0]
    pairs = zip(fields, values, strict=True)
    return {field.name: value for field, value in pairs if value is not MISSING}


def _field(
    name: str | None, part: Mapping[str, Any], schema: Mapping[str, Any], *, required: bool
) -> Field:
    part, nullable = _without_null(part, schema)
    field = Field(
        name,
        Widget.JSON,
        title=_text(part.get("title")) or name or "",
        help=_text(part.get("description")),
        required=required,
        nullable=nullable,
        default=part.get("default", MISSING),
    )
    match part:
        case {"anyOf": [{"enum": [_, *_] as options}, {"type": "string"}]}:
            return replace(field, widget=Widget.ONE, options=tuple(options), free=True)
    if options := _options(part):
        return replace(field, widget=Widget.ONE, options=options)
    match part.get("type"):
        case "string":
            return replace(field, widget=Widget.TEXT)
        case "integer" | "number" as kind:
            return replace(field, widget=Widget.NUMBER, whole=kind == "integer")
        case "boolean":
            return replace(field, widget=Widget.SWITCH)
        case "array" if options := _options(_resolved(part.get("items"), schema)):
            return replace(field, widget=Widget.MANY, options=options)
    return field


def _value(field: Field, given: Any) -> Any:
    match field.widget:
        case Widget.SWITCH:
            return bool(given)
        case Widget.MANY:
            return list(given)
        case Widget.ONE:
            return _empty(field) if given is MISSING else given
    if not given and (field.widget is not Widget.TEXT or not field.required):
        return _empty(field)
    match field.widget:
        case Widget.NUMBER:
            return _number(field, given)
        case Widget.JSON:
            return _json(field, given)
    return given


def _empty(field: Field) -> Any:
    if not field.required and field.name is not None:
        return MISSING
    if field.nullable:
        return None
    raise InvalidVerdict(f"{_called(field)}: an answer is needed")


def _number(field: Field, given: str) -> int | float:
    try:
        return int(given)
    except ValueError:
        pass
    try:
        number = float(given)
    except ValueError:
        raise InvalidVerdict(f"{_called(field)}: {given!r} is no number") from None
    if field.whole or not math.isfinite(number):
        kind = "a whole number" if field.whole else "a finite number"
        raise InvalidVerdict(f"{_called(field)}: must be {kind}")
    return number


def _json(field: Field, given: str) -> Any:
    try:
        return parse_json(given)
    except NotJson as error:
        raise InvalidVerdict(f"{_called(field)}: not JSON: {error}") from None


def _called(field: Field) -> str:
    return field.name or "the answer"


def _options(part: Mapping[str, Any]) -> tuple[Any, ...]:
    match part:
        case {"enum": [_, *_] as options}:
            return tuple(options)
        case {"const": value}:
            return (value,)
    return ()


def _without_null(
    part: Mapping[str, Any], schema: Mapping[str, Any]
) -> tuple[Mapping[str, Any], bool]:
    """The part a value must meet when it is not null, and whether null is one."""
    match part:
        case {"anyOf": [_, _] as options} | {"oneOf": [_, _] as options}:
            others = [one for one in options if not _is_null(one)]
            if len(others) == 1:
                own = {key: value for key, value in part.items() if key not in ("anyOf", "oneOf")}
                return {**_resolved(others[0], schema), **own}, True
        case {"type": [str(), str()] as kinds} if "null" in kinds:
            return {**part, "type": next(kind for kind in kinds if kind != "null")}, True
    return part, False


def _is_null(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") == "null"


def _resolved(part: Any, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """`part`, or the definition that its `$ref` names."""
    if not isinstance(part, dict):
        return {}
    name = str(part.get("$ref", "")).removeprefix("#/$defs/")
    definitions = schema.get("$defs")
    target = definitions.get(name) if isinstance(definitions, dict) else None
    if not isinstance(target, dict):
        return part
    return {**target, **{key: value for key, value in part.items() if key != "$ref"}}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
