# ruff: noqa: RUF001
"""What misleads an eye is named, and what people write is left alone."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitloop_tui.attach.review import ReviewAction
from hitloop_tui.attach.suspicions import suspicions


def doubts(value: object, name: str = "to") -> list[str]:
    return suspicions(ReviewAction("tool", {name: value}))


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("billing@paypa1.com", "paypa1.com looks like paypal"),
        ("see https://rnicrosoft.com.", "rnicrosoft.com looks like microsoft"),
        ("https://аpple.com/x", "аpple.com looks like apple"),
        ("https://xn--80ak6aa92e.com", "is the encoded form of"),
        ("https://paypal.com@evil.io/", "goes to evil.io, not to paypal.com"),
        ("https://paypal.com.evil.io", "paypal.com is only a part of paypal.com.evil.io"),
        ("/tmp/fіle.txt", "U+0456 CYRILLIC SMALL LETTER BYELORUSSIAN-UKRAINIAN I"),
        ("rm -rf /tmp/х now", "/tmp/х is not plain ASCII: U+0445"),
        ("сору the file", "it looks like copy"),
        ("ＲＭ -rf x", "it looks like rm"),
        ("pаypal", "it looks like paypal"),
        ("amount\u200b 5", "U+200B ZERO WIDTH SPACE x1"),
        ("a\u202etxt", "U+202E RIGHT-TO-LEFT OVERRIDE x1"),
        ("\x1b[2J", "U+001B ESCAPE x1"),
        ("x\U000e0041\U000e0042", "U+E0041"),
        ("a\u200db", "U+200D ZERO WIDTH JOINER"),
        ("za" + "\u0334\u0328" * 4 + "lgo", "U+0328 COMBINING OGONEK x4"),
        ("x" * 70_000, "70,000 characters"),
        ("x\n" * 3000, "lines: 3,001"),
        (float("nan"), "nan is a number that JSON cannot carry"),
        (float("-inf"), "-inf is a number that JSON cannot carry"),
        (2**53, "beyond 2^53"),
        ([{"k": "pаy"}], "to[0].k: "),
    ],
)
def test_what_misleads_is_named(value, says):
    assert any(says in doubt for doubt in doubts(value)), doubts(value)


def test_names_of_arguments_are_machine_text():
    assert doubts("x", "tо") == [
        "a name in the arguments: not plain ASCII: U+043E CYRILLIC SMALL LETTER O x1",
        "a name in the arguments: tо is not Latin (it looks like to):"
        " U+043E CYRILLIC SMALL LETTER O",
    ]


PROSE = [
    "Grüße an Herrn Müller, bitte überweisen Sie 30 €.",
    "L'été prochain\u00a0: «\u00a0c'est bon\u00a0», dit-elle.",
    "Žluťoučký kůň úpěl ďábelské ódy.",
    "Zażółć gęślą jaźń",
    "Türkçe İstanbul'da ığdır",
    "Ngôn ngữ tiếng Việt rất hay",
    "Путь к файлу указан в письме. Привет, мир!",
    "Ο λογαριασμός πληρώθηκε σήμερα.",
    "Հաշիվը վճարված է այսօր։",
    "החשבון שולם היום.",
    "تم دفع الفاتورة اليوم.",
    "می\u200cخواهم این صورت\u200cحساب را بپردازم",
    "चालान का भुगतान आज किया गया। क्\u200dष",
    "আজ বিল পরিশোধ করা হয়েছে।",
    "ชำระใบแจ้งหนี้แล้ววันนี้",
    "日本語のテキスト、ABCとカタカナ。",
    "发票今天已付款，谢谢！",
    "송장은 오늘 지불되었습니다.",
    "ანგარიში დღეს გადახდილია",
    "ሂሳቡ ዛሬ ተከፍሏል።",
    "Family: 👩\u200d👩\u200d👧 and ❤\ufe0f",
    "Москва",
    "Müller",
    "東京",
]


@pytest.mark.parametrize("text", PROSE)
def test_what_people_write_is_left_alone(text):
    assert doubts(text) == []
    assert suspicions(ReviewAction("tool", {}, rationale=text, description=text)) == []


@given(st.text(string.ascii_letters + string.digits + " .,!?-\"'()", max_size=200))
def test_plain_text_raises_no_doubt(text):
    assert doubts(text) == []


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_no_value_breaks_it(value):
    assert all(isinstance(doubt, str) for doubt in doubts(value))


@given(st.text(min_size=1), st.sampled_from("\u202e\u2066\u200b\u00ad\x07\x9b\ue000\u3164"))
def test_a_hidden_character_is_named_wherever_it_stands(text, hidden):
    if hidden == "\u00ad":  # hyphenation belongs to prose; the card shows it as an escape
        return
    for place in (0, len(text) // 2, len(text)):
        found = doubts(text[:place] + hidden + text[place:])
        assert any(f"U+{ord(hidden):04X}" in doubt or "others" in doubt for doubt in found)


def test_many_doubts_are_cut_and_said_to_be():
    found = doubts(json.loads(json.dumps(["a\u202eb"] * 1000)))
    assert len(found) == 21
    assert found[-1] == "and more of this kind"
