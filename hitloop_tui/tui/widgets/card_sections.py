"""The parts of a card, from top to bottom, as lines. Pure: a Review in, styled text out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hitloop_tui.attach.review import Kind, Review, ReviewAction
from hitloop_tui.attach.source import Message
from hitloop_tui.safetext import Safe, safe, safe_any
from hitloop_tui.tui.content import BAD, FAINT, GOOD, KEY, MUTED, STRONG, WARN
from hitloop_tui.tui.glyphs import G, ascii_only, bold, risk_sign
from hitloop_tui.tui.keymap import DISPLAY, VERBS
from hitloop_tui.tui.widgets.arguments import arguments_table
from hitloop_tui.tui.widgets.card_status import INDENT
from hitloop_tui.tui.widgets.rows import BLANK, TIED, Line, Part, line, own
from hitloop_tui.tui.widgets.values import Budget, counted, text_lines

VERDICT_WORDS = {
    Kind.APPROVE: (G.mark, "approve", GOOD),
    Kind.EDIT: (G.mark, "approve edited", GOOD),
    Kind.REJECT: (G.failed, "reject", BAD),
    Kind.RESPOND: (G.arrow, "respond", GOOD),
    Kind.IGNORE: (G.stale, "ignore", MUTED),
}
NEIGHBOURS = 3
"""Actions listed before and after the shown one."""
LABEL = 11
"""Cells of a label in a two-column list."""
QUOTE = "|" if ascii_only() else "▎"


@dataclass(frozen=True, slots=True)
class CardText:
    """What a card shows above and below the status, and whether it leaves something out."""

    head: list[Line]
    body: list[Line]
    cut: bool


def card_text(
    review: Review, index: int, messages: Sequence[Message] = (), pages: int = 1
) -> CardText:
    """All of a card but `status_lines`. `pages` widens the limit of long values."""
    action = review.actions[index]
    table = arguments_table(action.tool_args, pages)
    budget = Budget.pages(pages)
    doubts = [safe(warning) for warning in review.reading.warnings]
    head = list(_headline(review, action, len(doubts)))
    body = [
        *_strip(review, index),
        *_titled("Arguments", table.lines or [line(INDENT, (own("none"), FAINT))]),
        *_titled("Side effects", list(_bullets(action.side_effects))),
        *_titled("Warnings", [_flagged(doubt) for doubt in doubts], WARN),
        *_titled("The agent says", list(_agent_says(action, budget))),
        *_titled("Policy", list(_policy(review))),
        *_titled("Verdicts", list(_verdicts(review, action))),
        *_titled("Thread so far", list(_context(messages, Budget.pages(pages)))),
        *_titled("Question", list(_identity(review, action))),
    ]
    return CardText(head, body, table.cut or budget.cut)


def question_lines(action: ReviewAction) -> list[Line]:
    """What an Action asks, in short: its arguments and the agent's words."""
    told = list(_agent_says(action, Budget()))
    table = arguments_table(action.tool_args).lines
    return [*table, *([BLANK] if told and table else []), *told]


def _headline(review: Review, action: ReviewAction, doubts: int) -> Iterator[Line]:
    risk = bold(risk_sign(action.risk_class))
    badge: Part = (own(f"{risk.glyph} {risk.word}"), risk.style)
    yield Line(((safe(action.tool_name), STRONG),), right=(badge,))
    if review.reading.policy_reason:
        yield line((safe(review.reading.policy_reason), MUTED))
    if doubts:
        yield line((own(f"{G.warning} {counted(doubts, 'warning')} below"), WARN))


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
    width = max(len(safe(each.tool_name)) for each in review.actions[first:last])
    for number in range(first, last):
        yield _strip_line(review, number, min(width, 32), shown=number == index)
    if last < total:
        yield line(INDENT, (own(f"{G.down} {total - last} more"), FAINT))


def _strip_line(review: Review, number: int, width: int, *, shown: bool) -> Line:
    action, verdict = review.actions[number], review.verdicts.get(number)
    risk = risk_sign(action.risk_class)
    glyph, word, style = VERDICT_WORDS[verdict.kind] if verdict else (G.dot, "to decide", MUTED)
    cursor: Part = (own(f"{G.cursor} " if shown else "  "), KEY if shown else "")
    return line(
        cursor,
        (own(f"{number + 1}  "), MUTED),
        (own(f"{risk.glyph} "), risk.style),
        (own(safe(action.tool_name).ljust(width)), STRONG if shown else ""),
        (own(f"  {glyph} {word}"), style),
        hang=7,
    )


def _titled(title: str, body: list[Line], style: str = MUTED) -> list[Line]:
    """A rule with a title, and what belongs to it; nothing when there is nothing."""
    if not body:
        return []
    rule = Line(((own(f"{title} "), style),), right=((own(""), ""),), fill=(own(G.dash), FAINT))
    return [BLANK, rule, *body]


def _bullets(effects: Sequence[str]) -> Iterator[Line]:
    for effect in effects:
        yield line(INDENT, (own(f"{G.bullet} "), FAINT), (safe(effect), ""), hang=4)


def _flagged(doubt: Safe) -> Line:
    return line(INDENT, (own(f"{G.warning} "), WARN), (doubt, WARN), hang=4)


def _agent_says(action: ReviewAction, budget: Budget) -> Iterator[Line]:
    """Every row behind a mark: the agent may write what looks like ours."""
    gutter = (INDENT, (own(f"{QUOTE} "), MUTED))
    told = [text for text in (action.rationale, action.description) if text]
    for number, text in enumerate(told):
        if number:
            yield Line((), gutter)
        yield from text_lines(text, gutter, budget, "italic")
    if action.context_refs:
        refs = ", ".join(map(safe, action.context_refs))
        yield Line(((own("refers to "), MUTED), (own(refs), "italic")), gutter)


def _policy(review: Review) -> Iterator[Line]:
    reading = review.reading
    if reading.policy_name:
        yield _pair("name", safe(reading.policy_name))
    if reading.policy_reason:
        yield _pair("reason", safe(reading.policy_reason))


def _verdicts(review: Review, action: ReviewAction) -> Iterator[Line]:
    for number, verdict in sorted(review.verdicts.items()):
        if review.actions[number] is action:
            glyph, word, style = VERDICT_WORDS[verdict.kind]
            reason = f": {safe(verdict.reason)}" if verdict.reason else ""
            yield line(INDENT, (own(f"{glyph} {word}"), style), (own(reason), ""), hang=4)
            given = {"answer": verdict.value} if verdict.kind is Kind.RESPOND else verdict.args
            yield from arguments_table(given or {}).lines
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
        calls = ", ".join(map(safe, message.tool_calls))
        called = ((own(f"  calls {calls}"), MUTED),) if calls else ()
        yield line(INDENT, (safe(message.role), MUTED), *called, hang=4)
        if message.text:
            yield from text_lines(message.text, (INDENT, (own(f"{G.bar} "), FAINT)), budget)


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
