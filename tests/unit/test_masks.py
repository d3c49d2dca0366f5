"""Masked values are shown to nobody who has not asked, and never become values."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from pydantic import BaseModel, SecretBytes, SecretStr

from hitloop_tui.attach.decode import loads
from hitloop_tui.attach.masked import masked_action, masked_json, masked_review
from hitloop_tui.attach.masks import DOT, DOTS, MASKS, Mask, Masks
from hitloop_tui.attach.preview import preview
from hitloop_tui.attach.review import Kind, ReviewAction, Verdict
from hitloop_tui.attach.suspicions import suspicions
from hitloop_tui.config import FILE, read_settings
from hitloop_tui.errors import ConfigError, InvalidVerdict
from tests.samples import action, review

HIDDEN = ["password", "PASSWORD", "db_password", "passwordHash", "secret", "client_secret", "token"]
HIDDEN += ["access_token", "X-Auth-Token", "accessToken", "api_key", "API-KEY", "Authorization"]
HIDDEN += ["apikey", "aws_secret_access_key", "private_key", "Cookie", "cvv", "credentials"]
SHOWN = ["max_tokens", "tokens", "secretary", "key", "keys", "author", "to", "path", "passenger"]
SHOWN += ["password_policy", "api_key_env", "access_key_id", "chars_per_token", "next_page_token"]


@pytest.mark.parametrize("name", HIDDEN)
def test_names_that_are_masked(name):
    assert isinstance(MASKS.over({name: "x"}).value[name], Mask)
    assert isinstance(MASKS.over([{"deep": {name: 5}}]).value[0]["deep"][name], Mask)


@pytest.mark.parametrize("name", SHOWN)
def test_names_that_are_not(name):
    value = {name: "x"}
    assert MASKS.over(value).value is value


@pytest.mark.parametrize("nothing", [None, "", True, False, [], {}])
def test_there_is_nothing_to_hide(nothing):
    assert MASKS.over({"password": nothing}).hidden == {}


def test_settings_say_which(tmp_path):
    def masks(text: str) -> Masks:
        (tmp_path / FILE).write_text(text)
        return read_settings(tmp_path).masks

    assert masks("").names == MASKS.names
    assert masks('[mask]\nkeys = ["*IBAN*"]').over({"my_iban": 1, "token": 2}).places == (
        "my_iban",
        "token",
    )
    assert masks('[mask]\nkeys = ["*_policy"]').over({"password_policy": 1}).places
    only = masks('[mask]\ndefaults = false\nkeys = ["iban"]')
    assert only.over({"iban": 1, "token": 2}).places == ("iban",)
    assert masks("[mask]\ndefaults = false").over({"token": 2}).places == ()


WRONG = ["mask = 1", "[mask]\nkeys = 5", "[mask]\nkeys = [5]", '[mask]\nkeys = [""]']
WRONG += ['[mask]\ndefaults = "no"', "[mask]\nother = 1"]


@pytest.mark.parametrize("text", WRONG)
def test_settings_that_say_nothing(tmp_path, text):
    (tmp_path / FILE).write_text(text)
    with pytest.raises(ConfigError, match="mask must be a table"):
        read_settings(tmp_path)


SECRET = {"__type__": "pydantic.types.SecretStr", "value": "hunter2"}


class Card(BaseModel):
    number: int
    code: SecretStr


def test_secrets_of_pydantic_are_masked_and_kept():
    value = {
        "a": SecretStr("hunter2"),
        "b": SecretBytes(b"hunter3"),
        "c": Card(number=1, code="h4"),
    }
    found = loads(*JsonPlusSerializer().dumps_typed(value))
    masked = Masks(()).over(found)
    assert "hunter" not in str(masked.value)
    assert "h4" not in str(masked.value)
    assert masked.value["c"]["number"] == 1
    assert sorted(map(str, masked.hidden.values())) == ["b'hunter3'", "h4", "hunter2"]
    assert masked.places == ("a.value", "b.value", "c.code.value")


def test_a_mask_tells_how_long_a_value_is_that_is_no_secret():
    shown = MASKS.over({"token": "x" * 5000, "password": "x" * 30, "secrets": ["y" * 60] * 2}).value
    assert shown == {
        "token": f"{DOTS} masked 1, 5,000 characters",
        "password": f"{DOTS} masked 2",
        "secrets": f"{DOTS} masked 3, 120 characters",
    }


NAMES = st.sampled_from(["password", "note", "token", "n", f"{DOT * 5}"])
TEXTS = st.text() | st.sampled_from([DOTS, f"{DOTS} masked 1", f"{DOT * 5} masked 1", DOT * 9, "x"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
ARGS = st.dictionaries(NAMES, VALUES, max_size=4)


@given(ARGS)
def test_what_is_left_as_it_was_is_what_it_was(args):
    """Through JSON, as an editor or a script gives it back."""
    masked = MASKS.over(args)
    assert MASKS.restored(json.loads(json.dumps(masked.value)), args) == args


@given(ARGS, st.data())
def test_a_mask_never_becomes_a_value(args, data):
    """However the masked arguments are cut up and put together."""
    masked = MASKS.over(args)
    pieces = [text[: data.draw(st.integers(0, len(text)))] for text in masked.hidden]
    given_ = data.draw(st.dictionaries(NAMES, st.sampled_from([*masked.hidden, *pieces, "new", 5])))
    try:
        found = MASKS.restored(given_, args)
    except InvalidVerdict:
        return
    for name, value in found.items():
        if isinstance(given_[name], str) and given_[name] in masked.hidden:
            assert value == masked.hidden[given_[name]]
        elif masked.hidden:
            assert not any(text in str(value) for text in masked.hidden)


@given(ARGS)
def test_masks_hide_what_they_stand_for(args):
    masked = MASKS.over(args)
    assert len(masked.hidden) == len(masked.places)
    again = MASKS.over(masked.value)
    assert set(again.hidden.values()) <= set(masked.hidden)


def test_the_agents_words_tell_nothing():
    """LangChain's middleware describes a call by its arguments."""
    args = {"user": "ann", "password": 'it\'s "x"\n', "pin_token": 48213, "token": "abc"}
    told = action(
        args, rationale=f"Args: {args}", description=json.dumps(args), side_effects=("uses 48213",)
    )
    shown = masked_action(MASKS, told)
    words = shown.rationale + shown.description + shown.side_effects[0]
    assert "it's" not in words
    assert "48213" not in words
    assert "ann" in words
    assert "abc" in words  # of three letters: they may stand in any word


def test_a_review_without_secrets_is_the_very_same():
    plain = review(action({"to": "ann"}))
    assert masked_review(MASKS, plain) is plain


def test_verdicts_and_answers_of_an_edit_are_masked():
    edit = Verdict(Kind.EDIT, args={"password": "hunter3", "to": "bob"})
    asked = review(action({"password": "hunter2"}), verdicts={0: edit}, detail="hunter2 is wrong")
    shown = masked_review(MASKS, asked)
    assert "hunter" not in str(shown)
    told = masked_json(MASKS, {**asked.to_json(), "answer": [{"args": edit.args}]})
    assert "hunter" not in str(told)
    assert told["actions"][0]["masked"] == ["password"]
    assert told["answer"][0]["args"]["to"] == "bob"
    assert told["id"] == asked.id


def test_previews_leave_out_what_is_masked_also_where_they_are_cut():
    value = {
        "args": {"password": "hunter2"},
        "said": "my password is hunter2",
        "long": "x" * 5000,
        "key": SECRET,
    }
    for limit in (20, 60, 300, 9000):
        assert "hunter2" not in str(preview(value, limit))
    assert "hunter2" in str(preview({"args": {"other": "hunter2"}}))
    assert "hunter2" not in str(preview({"other": "hunter2"}, masks=Masks(["other"])))


def test_warnings_are_not_about_what_is_hidden():
    hidden = ReviewAction("t", {"password": 2**60, "token": "a\u200bb paypa1.com@x"})
    assert suspicions(hidden)
    assert suspicions(masked_action(MASKS, hidden)) == []


BODY = '{"to": "x", "api_key": "sk-12345", "auth": {"token": [1, "two22"]}, "n": "\\"token\\": 5"}'


def test_secrets_in_a_json_text_are_masked_and_kept():
    args = {"url": "https://x.example", "body": BODY, "quoted": "sk-12345 in words"}
    masked = MASKS.over(args)
    assert masked.places == ("body", "body")
    shown = json.loads(masked.value["body"])
    assert "sk-12345" not in masked.value["body"]
    assert "two22" not in masked.value["body"]
    assert (shown["to"], shown["n"]) == ("x", '"token": 5')
    assert MASKS.restored(masked.value, args) == args
    edited = {**masked.value, "body": masked.value["body"].replace('"to": "x"', '"to": "y"')}
    meant = {**args, "body": BODY.replace('"to": "x"', '"to": "y"')}
    assert MASKS.restored(edited, args) == meant
    assert masked.kept(edited, meant) == edited
    assert "sk-12345" not in json.dumps(MASKS.everywhere(args))
    assert "sk-12345" not in json.dumps(preview(args))
    broken = {**masked.value, "body": masked.value["body"].replace("masked 1", "masked 7")}
    with pytest.raises(InvalidVerdict, match="body: a part of a mask is left"):
        MASKS.restored(broken, args)


@pytest.mark.parametrize(
    "text",
    ["{", '{"token":', '{"token": }', '{"to\\ken": 1}', "[" * 5000, '{"token": ' * 2000, "[b]x[/]"],
)
def test_what_is_no_json_is_left_as_it_is(text):
    assert MASKS.over({"body": text}).value == {"body": text}


@given(st.text('{}[]":,\\ token1', max_size=60))
def test_masks_in_any_text_come_back(text):
    args = {"body": '{"' + text}
    masked = MASKS.over(args)
    assert MASKS.restored(masked.value, args) == args
