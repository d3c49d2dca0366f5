"""Questions in every payload shape, as `shape_table` has tool calls."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from hitloop_tui.attach.review import Kind, Verdict
from tests.unit.asking import asking
from tests.unit.shape_table import APPROVE, IGNORE, REJECT, Case, respond


def ask_user(*questions: dict[str, Any]) -> Any:
    return asking({"type": "ask_user", "questions": list(questions), "tool_call_id": "c"})


CHOICES = {"choices": [{"value": "a"}, {"value": "b"}], "required": True}
ASK_TEXT = {"question": "name?", "type": "text", "required": True}
ASK_OPEN = {"question": "name?", "type": "text"}
ASK_ONE = {"question": "which?", "type": "multiple_choice", **CHOICES}
ASK_MANY = {"question": "which?", "type": "multi_select", **CHOICES}
CANCELLED = ([IGNORE], {"status": "cancelled", "answers": [""]})
ASK_USER = [
    Case(
        "ask_user, text",
        ask_user(ASK_TEXT),
        "ask_user",
        [("ask_user", ASK_TEXT)],
        [([respond("Ann")], {"answers": ["Ann"]}), CANCELLED],
        [([respond("")], "required"), ([respond(["x", "y"])], "text"), ([APPROVE], "not possible")],
    ),
    Case(
        "ask_user, required unless it says otherwise",
        ask_user(ASK_OPEN),
        "ask_user",
        [("ask_user", ASK_OPEN)],
        [([respond("Ann")], {"answers": ["Ann"]}), CANCELLED],
        [([respond("")], "required")],
    ),
    Case(
        "ask_user, multiple choice",
        ask_user(ASK_ONE),
        "ask_user",
        [("ask_user", ASK_ONE)],
        [([respond("a")], {"answers": ["a"]}), ([respond("c")], {"answers": ["c"]}), CANCELLED],
        [([respond("")], "required"), ([respond(["a", "b"])], "text"), ([respond(1)], "text")],
    ),
    Case(
        "ask_user, multi select",
        ask_user(ASK_MANY),
        "ask_user",
        [("ask_user", ASK_MANY)],
        [
            ([respond(["a", "b"])], {"answers": ['["a", "b"]']}),
            ([respond("a")], {"answers": ['["a"]']}),
            CANCELLED,
        ],
        [([respond(["a", "c"])], "'c' is none of: a, b"), ([respond([])], "required")],
    ),
    Case(
        "ask_user, two questions",
        ask_user(ASK_TEXT, ASK_MANY),
        "ask_user",
        [("ask_user", ASK_TEXT), ("ask_user", ASK_MANY)],
        [
            ([respond("Ann"), respond(["b"])], {"answers": ["Ann", '["b"]']}),
            ([IGNORE, IGNORE], {"status": "cancelled", "answers": ["", ""]}),
            ([respond("Ann"), IGNORE], {"status": "cancelled", "answers": ["", ""]}),
        ],
        [([respond("Ann"), respond("c")], "'c' is none of")],
    ),
]

# A published schema


class Form(BaseModel):
    amount: float
    note: str = ""


SCHEMAS = [
    Case(
        "response_schema of a model",
        asking({"how": "much?"}, response_schema=Form),
        "response_schema",
        [("question", {"how": "much?"})],
        [([respond({"amount": 1.5})], {"amount": 1.5})],
        [
            ([respond({"amount": "much"})], "amount: "),
            ([respond({})], "amount"),
            ([respond("x")], "the value: "),
            ([APPROVE], "not possible"),
        ],
    ),
    Case(
        "response_schema of a boolean",
        asking("sure?", response_schema={"type": "boolean"}),
        "response_schema",
        [("question", {"question": "sure?"})],
        [([APPROVE], True), ([REJECT], False), ([respond(False)], False)],
        [([respond("yes")], "is not of type 'boolean'"), ([respond(1)], "boolean")],
    ),
    Case(
        "response_schema of what looks like an agent-inbox request",
        asking({"action_request": {"action": "x", "args": {}}, "config": {}}, response_schema=Form),
        "response_schema",
        [("question", {"action_request": {"action": "x", "args": {}}, "config": {}})],
        [([respond({"amount": 1.5})], {"amount": 1.5})],
        [([APPROVE], "not possible")],
    ),
    Case(
        "response_schema of a choice",
        asking("which?", response_schema={"enum": ["a", 1, None]}),
        "response_schema",
        [("question", {"question": "which?"})],
        [([respond("a")], "a"), ([respond(1)], 1), ([respond(None)], None)],
        [([respond("1")], "is not one of"), ([respond(True)], "is not one of")],
    ),
]

CALL = {"to": "ann@x.org", "n": 2}
AG_UI_ASKED = {
    "message": "Send it?",
    "toolCallId": "c1",
    "name": "send",
    "args": CALL,
    "responseSchema": {
        "type": "object",
        "properties": {
            "approved": {"type": "boolean"},
            "editedArgs": {
                "type": "object",
                "properties": {"to": {"type": "string"}, "n": {"type": "integer"}},
            },
        },
        "required": ["approved"],
        "additionalProperties": False,
    },
    "expiresAt": "2999-01-01T00:00:00Z",
}
AG_UI_EDIT = {"to": "bob@x.org", "n": 3}
AG_UI = [
    Case(
        "AG-UI, a call",
        asking(AG_UI_ASKED),
        "ag_ui",
        [("send", CALL)],
        [
            ([APPROVE], {"approved": True}),
            ([REJECT], {"approved": False}),
            ([Verdict(Kind.EDIT, args=AG_UI_EDIT)], {"approved": True, "editedArgs": AG_UI_EDIT}),
            ([respond({"approved": False})], {"approved": False}),
        ],
        [
            ([respond({"approved": "yes"})], "approved: 'yes' is not of type 'boolean'"),
            ([respond({"approved": True, "why": 1})], "why"),
            ([Verdict(Kind.EDIT, args={"to": 7, "n": 3})], "to: 7 is not of type 'string'"),
            ([IGNORE], "not possible"),
        ],
    ),
    Case(
        "AG-UI, a question",
        asking({"reason": "Which one?", "expires_at": "2999-01-01T00:00:00Z"}),
        "ag_ui",
        [("question", {"reason": "Which one?"})],
        [([respond(["a"])], ["a"])],
        [([APPROVE], "not possible")],
    ),
]

# Anything else

ANY_ANSWER: list[Any] = ["yes", {"a": [1, 2.0]}, [1], True, False, 0, 2.0, None, "", [], {}]
FREE = [
    Case(
        f"free form, {value!r}",
        asking(value),
        "free_form",
        [("question", shown)],
        [([respond(answer)], answer) for answer in ANY_ANSWER],
        [([APPROVE], "not possible"), ([REJECT], "not possible"), ([IGNORE], "not possible")],
    )
    for value, shown in [
        ("really?", {"question": "really?"}),
        ("", {"question": ""}),
        ("{", {"question": "{"}),
        (7, {"value": 7}),
        (1.5, {"value": 1.5}),
        ([{"a": 1}], {"value": [{"a": 1}]}),
        ({"question": "q", "n": 1}, {"question": "q", "n": 1}),
        ({}, {}),
        (None, {"value": None}),
        (True, {"value": True}),
    ]
]

QUESTIONS = [*ASK_USER, *SCHEMAS, *AG_UI, *FREE]
