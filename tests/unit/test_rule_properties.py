"""What holds for any rules and any action."""

from __future__ import annotations

from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hitloop_tui.policies.globs import SEPARATORS
from hitloop_tui.policies.rules import Rule, explain
from tests.unit.house_rules import call

TOOLS = st.text(st.sampled_from("abAB_*?"), min_size=1, max_size=4)


RULES = st.lists(
    st.builds(
        lambda tool, outcome: (tool, outcome),
        TOOLS,
        st.sampled_from(["auto_approve", "ask", "reject"]),
    ),
    max_size=5,
).map(lambda pairs: tuple(Rule(n, o, tool=(t,)) for n, (t, o) in enumerate(pairs, start=1)))


@settings(max_examples=200)
@given(rules=RULES, tool=st.text(st.sampled_from("abAB_"), min_size=1, max_size=4))
def test_properties_of_the_first_match(rules, tool):
    proposed = call(tool)
    first = explain(rules, proposed)
    assert first == explain(rules, proposed)
    applying = [rule for rule in rules if rule.mismatch(proposed) is None]
    assert first.rule == (applying[0] if applying else None)
    assert explain((*rules, Rule(9, "auto_approve")), proposed).rule is not None
    if first.rule is None:
        assert first.verdict.outcome == "ask"


TEXTS = st.text(st.sampled_from("abA*?.,; /\n\0@\u200b\uff21"), max_size=6)


GLOBS = st.lists(st.text(st.sampled_from("abA*?.,/@"), max_size=4), min_size=1, max_size=2)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)


def applies(outcome: Any, globs: list[str], value: Any) -> bool:
    rule = Rule(1, outcome, args={"x": tuple(globs)})
    return rule.mismatch(call("t", x=value)) is None


@settings(max_examples=500)
@given(globs=GLOBS, value=VALUES)
def test_what_a_rule_lets_run_it_would_also_stop(globs, value):
    """Whatever matches strictly matches loosely: no value can be let through by a glob and slip by
    the same glob of a rule that rejects."""
    assert applies("auto_approve", globs, value) <= applies("reject", globs, value)


@settings(max_examples=500)
@given(globs=GLOBS, value=VALUES, more=VALUES)
def test_a_list_is_let_through_for_all_of_it_and_stopped_for_any(globs, value, more):
    both = [applies("auto_approve", globs, one) for one in (value, more)]
    assert applies("auto_approve", globs, [value, more]) == all(both) or "*" in globs
    assert applies("reject", globs, [value, more]) >= applies("reject", globs, value)


@settings(max_examples=500)
@given(globs=GLOBS, texts=st.tuples(TEXTS, TEXTS), hidden=st.sampled_from("\0\n\t\u200b\u202e\x7f"))
def test_no_wildcard_lets_a_hidden_character_through(globs, texts, hidden):
    assume("*" not in globs)
    assert not applies("auto_approve", globs, hidden.join(texts))


@settings(max_examples=300)
@given(globs=GLOBS, part=TEXTS, others=st.lists(TEXTS, max_size=2), at=st.integers(0, 2))
def test_a_part_of_a_list_in_a_text_does_not_slip_by(globs, part, others, at):
    assume("," not in "".join(globs) and part.strip(f" {SEPARATORS}"))
    part = part.strip()  # blanks around a part of a list do not count
    listed = ",".join([*others[:at], part, *others[at:]])
    assert applies("reject", globs, part) <= applies("reject", globs, listed)
    assert applies("auto_approve", globs, listed) <= applies("auto_approve", globs, part)
