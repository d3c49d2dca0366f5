"""The parts of a card, from top to bottom, as lines. Pure: a Review in, styled text out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from hitloop_tui.attach.review import Kind, Review, ReviewAction
from hitloop_tui.attach.source import Message
from hitloop_tui.safetext import Safe, safe
from hitloop_tui.tui.content import BAD, FAINT, GOOD, KEY, MUTED, STRONG, WARN
from hitloop_tui.tui.glyphs import G, bold, risk_sign
from hitloop_tui.tui.keymap import DISPLAY, VERBS
from hitloop_tui.tui.widgets.arguments import Arguments, arguments_table, note
from hitloop_tui.tui.widgets.claims import claimed_risk
from hitloop_tui.tui.widgets.rows import BLANK, GAP, TIED, Line, Part, cells_of, line, own
from hitloop_tui.tui.widgets.values import (
    INDENT,
    QUOTED,
    TOLD,
    Budget,
    counted,
    machine,
    marked,
    named,
    quoted,
    text_lines,
    word,
)

VERDICT_WORDS = {
    Kind.APPROVE: (G.mark, "approve", GOOD),
    Kind.EDIT: (G.mark, "approve edited", GOOD),
    Kind.REJECT: (G.failed, "reject", BAD),
    Kind.RESPOND: (G.arrow, "respond", GOOD),
    Kind.IGNORE: (G.stale, "ignore", MUTED),
}
NEIGHBOURS = 3
"""Actions listed before and after the shown one."""
NAME_CELLS = 32
"""Cells of a tool's name in that list."""
MAX_TOOL = 200
"""Cells of a tool's name in the headline."""
LABEL = 11
"""Cells of a label in a two-column list."""
DOUBTED: Part = (own(f"{G.bar} "), WARN)
"""Stands before warnings, which quote the agent."""
MAX_DOUBTS = 8
MAX_REASON = 160
"""Cells of the policy's reason in the headline; the whole stands under its own title."""
MAX_DOUBT = 100
"""Cells of a warning in the headline."""
MAX_TEXT = 400
"""Cells of a warning."""


@dataclass(frozen=True, slots=True)
class CardText:
    """The parts of a card around its status, from top to bottom."""

    head: list[Line]
    batch: list[Line]
    """Of a batch, and the title of the arguments."""
    arguments: Sequence[Line]
    body: list[Line]
    cut: bool
    """Whether something is left out."""


def card_text(
    review: Review,
    index: int,
    messages: Sequence[Message] = (),
    arguments: Arguments | None = None,
    pages: int = 1,
) -> CardText:
    """All of a card but `status_lines`. `pages` widens the limit of what the agent says."""
    action = review.actions[index]
    table = Arguments(action.tool_args) if arguments is None else arguments
    budget = Budget.pages(pages)
    body = [
        *([note(table.missing)] if table.missing else []),
        *_titled("The tool's whole name", _long_name(action, budget)),
        *_titled("Side effects, as claimed", list(_bullets(action.side_effects))),
        *_titled("Warnings", list(_doubts(review, index)), WARN),
        *_titled("The agent says", list(_agent_says(review, action, budget))),
        *_titled("Policy", list(_policy(review, action))),
        *_titled("Verdicts", list(_verdicts(review, action))),
        *_titled("Thread so far", list(_context(messages, Budget.pages(pages)))),
        *_titled("Question", list(_identity(review, action))),
    ]
    return CardText(
        list(_headline(review, action)),
        [*_strip(review, index), BLANK, _title("Arguments")],
        table.lines or [line(INDENT, (own("none"), FAINT))],
        body,
        bool(table.missing) or budget.cut,
    )


def question_lines(action: ReviewAction) -> list[Line]:
    """What an Action asks, in short: its arguments and the agent's words."""
    told = list(_said(action, Budget()))
    table = arguments_table(action.tool_args)
    return [*table, *([BLANK] if told and table else []), *told]


def _headline(review: Review, action: ReviewAction) -> Iterator[Line]:
    risk = bold(risk_sign(action.risk_class))
    badge: Part = (own(f"{risk.glyph} {risk.word}"), risk.style)
    yield Line(named(action.tool_name, MAX_TOOL, STRONG), (QUOTED,), right=(badge,))
    if review.reading.policy_reason:
        yield Line(quoted(review.reading.policy_reason, MAX_REASON, MUTED), (TOLD,))
    if doubts := review.reading.warnings:
        words = own(f"{G.warning} {counted(len(doubts), 'warning')} below: "), WARN
        yield Line((words, *quoted(doubts[0], MAX_DOUBT, WARN)), (DOUBTED,), hang=2)


def _strip(review: Review, index: int) -> Iterator[Line]:
    """The Actions of a batch around the shown one, each with its verdict so far."""
    total = len(review.actions)
    if total < 2:
        return
    keys = f"{DISPLAY['previous_action']} {DISPLAY['next_action']}"
    yield BLANK
    yield Line(
        ((own(f"Action {index + 1} of {total}"), STRONG),),
        right=((own(keys), KEY), (own(" other Actions"), MUTED)),
    )
    first, last = max(0, index - NEIGHBOURS), min(total, index + NEIGHBOURS + 1)
    if first:
        yield line(INDENT, (own(f"{G.up} {first} more"), FAINT))
    names = [named(each.tool_name, NAME_CELLS) for each in review.actions[first:last]]
    width = max(map(cells_of, names))
    for number in range(first, last):
        yield _strip_line(review, number, width, shown=number == index)
    if last < total:
        yield line(INDENT, (own(f"{G.down} {total - last} more"), FAINT))


def _strip_line(review: Review, number: int, width: int, *, shown: bool) -> Line:
    """`width` is how wide the widest name is."""
    action, verdict = review.actions[number], review.verdicts.get(number)
    risk = risk_sign(action.risk_class)
    glyph, said, style = VERDICT_WORDS[verdict.kind] if verdict else (G.dot, "to decide", MUTED)
    cursor: Part = (own(f"{G.cursor} " if shown else "  "), KEY if shown else "")
    name = named(action.tool_name, NAME_CELLS, STRONG if shown else "")
    gap = own(" " * (width - cells_of(name))), ""
    lead = cursor, (own(f"{number + 1}  "), MUTED), (own(f"{risk.glyph} "), risk.style)
    return Line((*name, gap, (own(f"  {glyph} {said}"), style)), (QUOTED,), lead)


def _titled(title: str, body: list[Line], style: str = MUTED) -> list[Line]:
    """A rule with a title, and what belongs to it; nothing when there is nothing."""
    return [BLANK, _title(title, style), *body] if body else []


def _title(title: str, style: str = MUTED) -> Line:
    return Line(((own(f"{title} "), style),), right=((own(""), ""),), fill=(own(G.dash), FAINT))


def _long_name(action: ReviewAction, budget: Budget) -> list[Line]:
    """A name that the headline has no room for."""
    name = action.tool_name
    whole = cell_len(safe(name[: MAX_TOOL + 1])) <= MAX_TOOL
    return [] if whole else text_lines(name, (QUOTED,), budget)


def _bullets(effects: Sequence[str]) -> Iterator[Line]:
    for effect in effects:
        yield Line(((own(f"{G.bullet} "), FAINT), *marked(effect)), (QUOTED,), hang=2)


def _doubts(review: Review, index: int) -> Iterator[Line]:
    """Those about this Action first; they quote the agent, so each row has a mark."""
    doubts = review.reading.warnings
    here = f"Action {index + 1}: "
    nearest = sorted(doubts, key=lambda doubt: doubt.startswith("Action ") - doubt.startswith(here))
    for doubt in nearest[:MAX_DOUBTS]:
        shown = quoted(doubt, MAX_TEXT, WARN)
        yield Line(((own(f"{G.warning} "), WARN), *shown), (INDENT, DOUBTED), hang=2)
    if len(doubts) > MAX_DOUBTS:
        more = f"and {len(doubts) - MAX_DOUBTS:,} more: hitloop-tui show {review.id}"
        yield Line(((own(more), WARN),), (INDENT,))


def _agent_says(review: Review, action: ReviewAction, budget: Budget) -> Iterator[Line]:
    if claim := claimed_risk(review, action):
        yield Line(((own("claims risk "), MUTED), *quoted(claim, MAX_DOUBT, "italic")), (QUOTED,))
    yield from _said(action, budget)


def _said(action: ReviewAction, budget: Budget) -> Iterator[Line]:
    """Every row behind a mark: the agent may write what looks like ours."""
    told = [text for text in (action.rationale, action.description) if text]
    for number, text in enumerate(told):
        if number:
            yield Line((), (QUOTED,))
        yield from text_lines(text, (QUOTED,), budget, "italic")
    if action.context_refs:
        refs = marked(", ".join(action.context_refs), "italic")
        yield Line(((own("refers to "), MUTED), *refs), (QUOTED,))


def _policy(review: Review, action: ReviewAction) -> Iterator[Line]:
    """The risk is what the asking code said, not what a model did: it is its gate's own word."""
    reading = review.reading
    if reading.policy_name:
        yield _pair("name", *marked(reading.policy_name))
    if reading.policy_reason:
        yield _pair("reason", *marked(reading.policy_reason))
    if action.risk_class and reading.policy_name:
        yield _pair("risk", (own(f"{action.risk_class}, as the gate has it"), ""))


def _verdicts(review: Review, action: ReviewAction) -> Iterator[Line]:
    for number, verdict in sorted(review.verdicts.items()):
        if review.actions[number] is action:
            glyph, said, style = VERDICT_WORDS[verdict.kind]
            yield line(INDENT, (own(f"{glyph} {said}"), style))
            if verdict.reason:
                yield Line(marked(verdict.reason), (INDENT, TOLD))
            given = {"answer": verdict.value} if verdict.kind is Kind.RESPOND else verdict.args
            yield from arguments_table(given or {})
    if review.undecided:
        yield _keys(action.allowed)


def _keys(allowed: Sequence[Kind]) -> Line:
    parts: list[Part] = [INDENT]
    for number, verb in enumerate(VERBS):
        possible = Kind(verb) in allowed
        if number:
            parts.append((own(GAP), ""))
        parts.append((own(DISPLAY[verb]), KEY if possible else FAINT))
        parts.append((own(f"{TIED}{verb}"), "" if possible else FAINT))
    return line(*parts, hang=2)


def _context(messages: Sequence[Message], budget: Budget) -> Iterator[Line]:
    for message in messages:
        calls = Safe(", ".join(map(word, message.tool_calls)))
        called = ((own(f"{GAP}calls {calls}"), MUTED),) if calls else ()
        yield Line((*machine(message.role, MUTED), *called), (QUOTED,), hang=2)
        if message.text:
            yield from text_lines(message.text, (QUOTED, (own(f"{G.bar} "), FAINT)), budget)


def _identity(review: Review, action: ReviewAction) -> Iterator[Line]:
    question, identity = review.question, review.question.identity
    asked = own(f"{question.requested_at.astimezone():%Y-%m-%d %H:%M:%S}")
    yield _pair("id", *machine(review.id, MUTED))
    yield _pair("thread", *machine(identity.thread_id, MUTED))
    if question.graph_id:
        yield _pair("agent", *machine(question.graph_id, MUTED))
    if question.node:
        yield _pair("node", *machine(question.node, MUTED))
    yield _pair("asked", (asked, MUTED))
    yield _pair("interrupt", *machine(str(identity.interrupt_id), MUTED))


def _pair(label: str, *value: Part) -> Line:
    return Line(value, (TOLD,), (INDENT, (own(label.ljust(LABEL)), FAINT)))
