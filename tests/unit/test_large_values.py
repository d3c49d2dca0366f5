"""However large a value is, all of it is looked at, and what is not shown is counted."""

from __future__ import annotations

import json

import pytest

from hitloop_tui.attach.chars import CHUNK, before, counts, unprintable, words
from hitloop_tui.attach.leaves import MAX_VALUES
from hitloop_tui.attach.masks import MASKS, Masks
from hitloop_tui.attach.out_of_texts import Mask, without
from hitloop_tui.attach.review import ReviewAction
from hitloop_tui.attach.suspicions import MAX_WORDS, suspicions
from hitloop_tui.core.strict_json import NotJson
from hitloop_tui.tui.dialogs.json_text import MAX_EDITED, editable


def doubts(value: object) -> list[str]:
    return suspicions(ReviewAction("tool", {"to": value}))


@pytest.mark.parametrize("place", [0, 1, 511, 512, MAX_VALUES + 1, 60_000, 99_999])
def test_a_hidden_character_is_named_in_whichever_of_many_items(place):
    items = ["plain"] * 100_000
    items[place] = "a\u202eb"
    assert doubts(items) == [
        f"to[{place}]: hidden characters, shown as escapes: U+202E RIGHT-TO-LEFT OVERRIDE x1"
    ]


def test_a_hidden_character_is_named_behind_more_odd_items_than_are_looked_at_one_by_one():
    [found] = doubts(["née"] * (MAX_VALUES + 600) + ["a\u202eb"])
    assert found.startswith("to[20480] and what follows: hidden characters")
    assert "U+202E RIGHT-TO-LEFT OVERRIDE x1" in found


@pytest.mark.parametrize("name", ["a\u202eb", "tо"])  # noqa: RUF001
def test_the_last_of_many_names_is_looked_at(name):
    found = doubts({**{f"key_{n}": n for n in range(50_000)}, name: 1})
    assert any("a name in to" in doubt for doubt in found), found


@pytest.mark.parametrize("number", [2**53, -(2**53), float("inf"), float("nan"), -0.0])
def test_an_odd_number_among_many_is_named(number):
    assert doubts([*range(30_000), number])[0].startswith("to[30000]: ")
    assert doubts([0.5] * 30_000 + [number])[0].startswith("to[30000]: ")


@pytest.mark.parametrize(
    ("end", "says"),
    [
        ("billing@paypa1.com", "paypa1.com looks like paypal"),
        ("/tmp/х", "/tmp/х is not plain ASCII"),  # noqa: RUF001
        ("сору", "it looks like copy"),  # noqa: RUF001
        ("\u200b", "U+200B ZERO WIDTH SPACE x1"),
    ],
)
def test_the_end_of_a_long_text_is_looked_at(end, says):
    size, found = doubts("some plain words " * 100_000 + end)[:2]
    assert size.startswith("to: 1,700,0")
    assert says in found


def test_more_addresses_than_are_looked_at_are_said_to_be():
    assert any("not all were looked at" in doubt for doubt in doubts("a@b.org " * (MAX_WORDS + 1)))


@pytest.mark.parametrize("length", [CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
@pytest.mark.parametrize("text", ["ab cd\u00e9 ", "x", "本 ", "a\u200b"])
def test_texts_of_many_parts_are_taken_as_a_whole(text, length):
    long = (text * length)[:length]
    odd = {char for char in long if not (char.isascii() and char.isprintable())}
    assert unprintable(long) == odd
    assert counts(odd, long) == {char: long.count(char) for char in odd}
    assert "".join(words(long, lambda part: True)) == "".join(long.split())
    if " " in long:
        assert list(words(long, lambda part: True)) == long.split()


def test_what_stands_before_a_character():
    assert before("\u200d", "a\u200db\u200d\u200dc") == {"a", "b", ""}


@pytest.mark.parametrize("name", ["password", "API-KEY", "x_token"])
def test_a_secret_is_masked_among_many_names(name):
    args = {**{f"key_{n}": n for n in range(5000)}, name: "hunter2"}
    shown = MASKS.over({"deep": [args]}).value["deep"][0]
    assert isinstance(shown[name], Mask)
    assert {key: value for key, value in shown.items() if key != name} == {
        key: value for key, value in args.items() if key != name
    }


@pytest.mark.parametrize("size", [1, 60, 100_000])
def test_a_secret_of_any_size_is_taken_out_of_the_words(size):
    secret, short = 'hunt"er2-' * size, "swordfish"
    words = without([secret, short])
    assert words(f"a {secret}, {short}, {json.dumps(secret)}.") == 'a ••••, ••••, "••••".'


@pytest.mark.parametrize(
    "glob", ["*", "????????", "[x-z]nything", "any[!a]hing", "*[]t]hing", "b*"]
)
def test_a_glob_finds_among_many_names_what_it_finds_alone(glob):
    masks = Masks([glob])
    hidden = masks.over({**{f"k_{n}": n for n in range(2000)}, "anything": "x"}).hidden
    assert ("x" in hidden.values()) == bool(masks.over({"anything": "x"}).hidden)


@pytest.mark.parametrize(
    "value",
    [
        "x" * MAX_EDITED,
        ["y"] * MAX_EDITED,
        {str(n): n for n in range(MAX_EDITED)},
        ["\u200b"] * 9000,
    ],
    ids=["text", "items", "names", "escapes"],
)
def test_what_is_too_long_to_edit_is_refused_with_what_to_do(value):
    with pytest.raises(NotJson, match=r"more than 65,536 characters\); use `hitloop-tui edit`"):
        editable({"report": value})


def test_what_is_just_short_enough_is_edited():
    args = {"report": "x" * (MAX_EDITED - 20)}
    assert len(editable(args)) <= MAX_EDITED
