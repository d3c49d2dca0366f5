"""The parts of a card, from top to bottom, as lines. Pure: a Review in, styled text out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from hitloop_tui.attach.review import Kind, Review, ReviewAction
from hitloop_tui.attach.source import Message
from hitloop_tui.safetext import Safe, safe, safe_any
from hitloop_tui.tui.content import BAD, FAINT, GOOD, KEY, MUTED, STRONG, WARN, short
from hitloop_tui.tui.glyphs import G, bold, risk_sign
from hitloop_tui.tui.keymap import DISPLAY, VERBS
from hitloop_tui.tui.widgets.arguments import Arguments, arguments_table, note
from hitloop_tui.tui.widgets.claims import claimed_risk
from hitloop_tui.tui.widgets.rows import BLANK, TIED, Line, Part, line, own
from hitloop_tui.tui.widgets.values import (
    INDENT,
    QUOTED,
    Budget,
    counted,
    machine,
    marked,
    text_lines,
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
"""Characters of a tool's name in the headline."""
LABEL = 11
"""Cells of a label in a two-column list."""
DOUBTED: Part = (own(f"  {G.bar} "), WARN)
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
    arguments: list[Line]
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
    more = len(action.tool_name) - MAX_TOOL
    cut = ((own(f"{G.ellipsis}+{counted(more, 'character')}"), WARN),) if more > 0 else ()
    yield Line((*machine(action.tool_name[:MAX_TOOL], STRONG), *cut), right=(badge,))
    if review.reading.policy_reason:
        yield line((short(safe(review.reading.policy_reason), MAX_REASON), MUTED))
    if doubts := review.reading.warnings:
        words = f"{G.warning} {counted(len(doubts), 'warning')} below: "
        yield line((own(words), WARN), (short(safe(doubts[0]), MAX_DOUBT), WARN), hang=2)


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
    names = [short(safe(each.tool_name), NAME_CELLS) for each in review.actions[first:last]]
    width = max(map(cell_len, names))
    for number, name in enumerate(names, first):
        gap = " " * (width - cell_len(name))
        yield _strip_line(review, number, Safe(name + gap), shown=number == index)
    if last < total:
        yield line(INDENT, (own(f"{G.down} {total - last} more"), FAINT))


def _strip_line(review: Review, number: int, name: Safe, *, shown: bool) -> Line:
    action, verdict = review.actions[number], review.verdicts.get(number)
    risk = risk_sign(action.risk_class)
    glyph, word, style = VERDICT_WORDS[verdict.kind] if verdict else (G.dot, "to decide", MUTED)
    cursor: Part = (own(f"{G.cursor} " if shown else "  "), KEY if shown else "")
    return line(
        cursor,
        (own(f"{number + 1}  "), MUTED),
        (own(f"{risk.glyph} "), risk.style),
        (name, STRONG if shown else ""),
        (own(f"  {glyph} {word}"), style),
        hang=7,
    )


def _titled(title: str, body: list[Line], style: str = MUTED) -> list[Line]:
    """A rule with a title, and what belongs to it; nothing when there is nothing."""
    return [BLANK, _title(title, style), *body] if body else []


def _title(title: str, style: str = MUTED) -> Line:
    return Line(((own(f"{title} "), style),), right=((own(""), ""),), fill=(own(G.dash), FAINT))


def _long_name(action: ReviewAction, budget: Budget) -> list[Line]:
    """A name that the headline has no room for."""
    name = action.tool_name
    return text_lines(name, (QUOTED,), budget) if len(name) > MAX_TOOL else []


def _bullets(effects: Sequence[str]) -> Iterator[Line]:
    for effect in effects:
        yield Line(((own(f"{G.bullet} "), FAINT), *marked(effect)), (QUOTED,), hang=2)


def _doubts(review: Review, index: int) -> Iterator[Line]:
    """Those about this Action first; they quote the agent, so each row has a mark."""
    doubts = review.reading.warnings
    here = f"Action {index + 1}: "
    nearest = sorted(doubts, key=lambda doubt: doubt.startswith("Action ") - doubt.startswith(here))
    for doubt in nearest[:MAX_DOUBTS]:
        shown = short(safe(doubt), MAX_TEXT)
        yield Line(((own(f"{G.warning} "), WARN), (shown, WARN)), (DOUBTED,), hang=2)
    if len(doubts) > MAX_DOUBTS:
        more = f"and {len(doubts) - MAX_DOUBTS:,} more: hitloop-tui show {review.id}"
        yield Line(((own(more), WARN),), (INDENT,))


def _agent_says(review: Review, action: ReviewAction, budget: Budget) -> Iterator[Line]:
    if claim := claimed_risk(review, action):
        yield Line(
            ((own("claims risk "), MUTED), (short(safe(claim), MAX_DOUBT), "italic")), (QUOTED,)
        )
    yield from _said(action, budget)


def _said(action: ReviewAction, budget: Budget) -> Iterator[Line]:
    """Every row behind a mark: the agent may write what looks like ours."""
    told = [text for text in (action.rationale, action.description) if text]
    for number, text in enumerate(told):
        if number:
            yield Line((), (QUOTED,))
        yield from text_lines(text, (QUOTED,), budget, "italic")
    if action.context_refs:
        refs = safe(", ".join(action.context_refs))
        yield Line(((own("refers to "), MUTED), (refs, "italic")), (QUOTED,))


def _policy(review: Review, action: ReviewAction) -> Iterator[Line]:
    """The risk is what the asking code said, not what a model did: it is its gate's own word."""
    reading = review.reading
    if reading.policy_name:
        yield _pair("name", safe(reading.policy_name))
    if reading.policy_reason:
        yield _pair("reason", safe(reading.policy_reason))
    if action.risk_class and reading.policy_name:
        yield _pair("risk", own(f"{action.risk_class}, as the gate has it"))


def _verdicts(review: Review, action: ReviewAction) -> Iterator[Line]:
    for number, verdict in sorted(review.verdicts.items()):
        if review.actions[number] is action:
            glyph, word, style = VERDICT_WORDS[verdict.kind]
            reason = f": {safe(verdict.reason)}" if verdict.reason else ""
            yield line(INDENT, (own(f"{glyph} {word}"), style), (own(reason), ""), hang=4)
            given = {"answer": verdict.value} if verdict.kind is Kind.RESPOND else verdict.args
            yield from arguments_table(given or {})
    if review.undecided:
        yield _keys(action.allowed)


def _keys(allowed: Sequence[Kind]) -> Line:
    parts: list[Part] = [INDENT]
    for number, verb in enumerate(VERBS):
        possible = Kind(verb) in allowed
        if number:
            parts.append((own("  "), ""))
        parts.append((own(DISPLAY[verb]), KEY if possible else FAINT))
        parts.append((own(f"{TIED}{verb}"), "" if possible else FAINT))
    return line(*parts, hang=2)


def _context(messages: Sequence[Message], budget: Budget) -> Iterator[Line]:
    for message in messages:
        calls = safe(", ".join(message.tool_calls))
        called = ((own(f"  calls {calls}"), MUTED),) if calls else ()
        yield Line(((safe(message.role), MUTED), *called), (QUOTED,), hang=2)
        if message.text:
            yield from text_lines(message.text, (QUOTED, (own(f"{G.bar} "), FAINT)), budget)


def _identity(review: Review, action: ReviewAction) -> Iterator[Line]:
    question, identity = review.question, review.question.identity
    yield _pair("id", safe(review.id), MUTED)
    yield _pair("thread", safe(identity.thread_id), MUTED)
    if question.graph_id:
        yield _pair("agent", safe(question.graph_id), MUTED)
    if question.node:
        yield _pair("node", safe(question.node), MUTED)
    yield _pair("asked", own(f"{question.requested_at.astimezone():%Y-%m-%d %H:%M:%S}"), MUTED)
    yield _pair("interrupt", safe_any(identity.interrupt_id), MUTED)


def _pair(label: str, value: Safe, style: str = "") -> Line:
    parts = (INDENT, (own(label.ljust(LABEL)), FAINT), (value, style))
    return Line(parts, hang=LABEL + 2, solid=LABEL + 2)
