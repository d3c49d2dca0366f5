"""From a schema to fields, and from what was typed to a value the schema admits."""

from __future__ import annotations

from enum import Enum
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from hitloop_tui.attach.form import MISSING, Widget, answer_of, fields_of
from hitloop_tui.errors import InvalidVerdict


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Inner(BaseModel):
    x: int


class Answer(BaseModel):
    name: str = Field(description="Who is it?")
    count: int
    price: float = 1.5
    sure: bool
    colour: Colour
    size: Literal["s", "m"] | None = None
    note: str | None = None
    inner: Inner
    tags: list[Colour] = []


def test_the_fields_of_a_model():
    fields = fields_of(Answer.model_json_schema())
    assert fields is not None
    assert [(field.name, field.widget, field.required, field.nullable) for field in fields] == [
        ("name", Widget.TEXT, True, False),
        ("count", Widget.NUMBER, True, False),
        ("price", Widget.NUMBER, False, False),
        ("sure", Widget.SWITCH, True, False),
        ("colour", Widget.ONE, True, False),
        ("size", Widget.ONE, False, True),
        ("note", Widget.TEXT, False, True),
        ("inner", Widget.JSON, True, False),
        ("tags", Widget.MANY, False, False),
    ]
    assert fields[0].help == "Who is it?"
    assert fields[4].options == ("red", "blue")
    entered = ["Ann", "3", "", True, "red", MISSING, "", '{"x": 1}', ["blue"]]
    answer = answer_of(fields, entered)
    assert Answer.model_validate(answer) == Answer(
        name="Ann", count=3, sure=True, colour=Colour.RED, inner=Inner(x=1), tags=[Colour.BLUE]
    )


@pytest.mark.parametrize(
    ("entered", "says"),
    [
        (["", "3"], None),
        (["x", ""], "count: an answer is needed"),
        (["x", "3.5"], "count: must be a whole number"),
        (["x", "many"], "count: 'many' is no number"),
    ],
)
def test_what_is_wrong_names_its_field(entered, says):
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "count": {"type": "integer"}},
        "required": ["name", "count"],
    }
    fields = fields_of(schema)
    assert fields is not None
    if says is None:
        assert answer_of(fields, entered) == {"name": "", "count": 3}
    else:
        with pytest.raises(InvalidVerdict, match=says):
            answer_of(fields, entered)


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "array"},
        {"type": "object"},
        {"oneOf": [{}, {}]},
        {"properties": 5},
        {"$ref": 1},
    ],
)
def test_what_is_no_form_is_typed_as_json(schema):
    assert fields_of(schema) is None


def test_a_number_keeps_its_kind():
    [field] = fields_of({"type": "number"}) or ()
    assert [answer_of([field], [typed]) for typed in ("2", "2.0")] == [2, 2.0]
    assert type(answer_of([field], ["2.0"])) is float
    for typed in ("nan", "inf", "-inf"):
        with pytest.raises(InvalidVerdict, match="finite"):
            answer_of([field], [typed])


def test_a_choice_with_room_for_something_else():
    [field] = fields_of({"anyOf": [{"enum": ["a", "b"]}, {"type": "string"}]}) or ()
    assert (field.widget, field.free) == (Widget.ONE, True)
    assert answer_of([field], ["none of them"]) == "none of them"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYWORDS = ["type", "properties", "required", "items", "anyOf", "oneOf", "enum", "$ref", "$defs"]


@given(st.dictionaries(st.sampled_from(KEYWORDS), JSON))
def test_no_schema_breaks_the_form(schema):
    fields = fields_of(schema)
    assert fields is None or len({field.name for field in fields}) == len(fields)


@given(st.text(), st.integers(), st.booleans())
def test_what_was_typed_is_what_is_answered(name, count, sure):
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "count": {"type": "integer"},
            "sure": {"type": "boolean"},
        },
        "required": ["name", "count", "sure"],
    }
    answer = answer_of(fields_of(schema) or (), [name, str(count), sure])
    assert answer == {"name": name, "count": count, "sure": sure}
