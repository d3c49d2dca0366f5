"""One Action of one Review, whole: what the agent wants, why a person is asked, what was said."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from textual.binding import BindingType
from textual.reactive import reactive
from textual.strip import Strip

from hitloop_tui.attach.masked import masked_review, masked_words
from hitloop_tui.attach.masks import MASKS, Masks
from hitloop_tui.attach.review import Review, State
from hitloop_tui.attach.source import Message
from hitloop_tui.tui.content import MUTED, WARN
from hitloop_tui.tui.countdown import due_in, held_for, until_next
from hitloop_tui.tui.keymap import DISPLAY, Scope, bindings
from hitloop_tui.tui.messages import Drawn, ReadOn
from hitloop_tui.tui.seen import Seen, Share
from hitloop_tui.tui.widgets.arguments import Arguments, note
from hitloop_tui.tui.widgets.card_sections import CardText, card_text
from hitloop_tui.tui.widgets.card_status import Viewer, status_lines
from hitloop_tui.tui.widgets.rows import BLANK, Line, line, own
from hitloop_tui.tui.widgets.rows_view import LinesView
from hitloop_tui.tui.widgets.values import MAX_CHARS, MAX_LINES, counted

ARGUMENTS = 1
"""Which part of the card they are."""
SLICE = MAX_CHARS // 4, MAX_LINES // 4
"""Characters and lines of the arguments that are made at once, in 10 to 40 ms."""
SLICES = 4
"""Those at first, and for each wish for more."""


class Card(LinesView):
    """Shows and scrolls; the screen decides."""

    HELP = (
        "The question, whole. Arguments, risk and policy are facts; the agent's words are marked."
    )

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.CARD)]

    action_index: reactive[int] = reactive(0, init=False)
    """The shown Action's place in the Review, from 0."""
    alive: reactive[int | None] = reactive(None, init=False)
    """Workers alive; None before it is known."""

    def __init__(
        self,
        me: str = "",
        masks: Masks = MASKS,
        *,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        """`me` is the `decided_by` of the person at this console."""
        super().__init__(id=id, classes=classes)
        self.review: Review | None = None
        self.masks = masks
        self.told: Review | None = None
        """The Review as it is shown: without what is masked, until the person asks for it."""
        self._known: tuple[Review, Review] | None = None
        """A Review, and that as it is shown while its masks are on."""
        self._places: tuple[dict[str, Any], int] | None = None
        """Arguments, and how many values in them are masked."""
        self._revealed = False
        self._me = me
        self._messages: Sequence[Message] = ()
        self._empty: list[Line] = []
        """What is shown without a Review: nothing, until it is known that there is none."""
        self._pages = 1
        self._arguments: tuple[object, Arguments] | None = None
        """The table of a question, as far as it was made."""
        self._text = CardText([], [], [], [], False)
        self._painted: object = None
        """The question that was last painted."""
        self._seen: defaultdict[object, Seen] = defaultdict(Seen)

    @property
    def question(self) -> object:
        """What exactly is asked on the card; None for nothing."""
        if self.review is None:
            return None
        return _question(self.review, self.action_index)

    def reveal(self) -> bool:
        """Show what is masked on this card, or hide it again; False when nothing is."""
        if not self._revealed and self.told is self.review:
            return False
        self._revealed = not self._revealed
        self._arguments = None
        self._draw()
        return True

    @property
    def drawn(self) -> bool:
        """Whether that is on the screen, too."""
        return self._painted == self.question

    @property
    def in_view(self) -> bool:
        return self.display and self.size.height > 0

    @property
    def cut(self) -> bool:
        """Whether something is longer than what is shown of it."""
        return self._text.cut

    @property
    def share(self) -> Share | None:
        """How much of the arguments was on the screen; None when all was."""
        if self.review is None or self.was_seen(self.review, self.action_index):
            return None
        if not self.row_count:
            return None
        first, table = self.part(ARGUMENTS)
        below = first + table.count - self.scroll_offset.y - self.size.height
        seen = self._seen[self.question].rows(table.height, table.width)
        return Share(seen, table.count, max(below, 0), self._more)

    def was_seen(self, review: Review, index: int) -> bool:
        """Whether all arguments of an Action were on the screen."""
        return self._seen[_question(review, index)].whole

    def show(self, review: Review | None, messages: Sequence[Message]) -> None:
        """Show a Review. The one that is shown already keeps its place and its Action."""
        same = review is not None and self.review is not None and review.key == self.review.key
        if not same:
            self._revealed = False
        self.review, self._messages = review, messages
        self._empty = _NOTHING if review is None else []
        if not same:
            self._pages = 1
            self.set_reactive(Card.action_index, _first_open(review))
        self._draw()
        if not same:
            self.scroll_home(animate=False)

    def render_line(self, y: int) -> Strip:
        """Called when the screen is painted, and for nothing else."""
        if not self.drawn:
            self._painted = self.question
            self.post_message(Drawn(self._painted))
        if self.screen.is_current:  # else something may cover it
            self._saw(self.scroll_offset.y + y)
        return super().render_line(y)

    def _saw(self, y: int) -> None:
        """A row is on the screen: count it, where it is one of the arguments."""
        seen, count = self._seen[self.question], len(self._text.arguments)
        if seen.whole or self.review is None or y >= self.row_count:
            return
        place = self.place(y)
        if place.part != ARGUMENTS:
            return
        if seen.paint(place.line, place.row, place.wrapped.height, self._width):
            seen.whole = len(seen) == count and not self._more
            self.post_message(ReadOn())

    def tick(self) -> float | None:
        """Draw the time that is left anew; seconds until it reads differently, None for never."""
        self._draw_status()
        if self.review is None:
            return None
        left = held_for(self.review) or due_in(self.review, time.time())
        return until_next(left) if left else None

    def next_action(self) -> None:
        self._step(1)

    def previous_action(self) -> None:
        self._step(-1)

    def action_more(self) -> None:
        """Show more of what is long."""
        if self.cut and self._arguments is not None:
            self._pages += 1
            self._load(self._arguments[1], SLICES)

    def action_read_on(self) -> None:
        """To the next page of the arguments, as far as they go."""
        share = self.share
        if share is None or share.below or not share.more or self._arguments is None:
            self.action_page_down()
            return
        first, shown = self.part(ARGUMENTS)
        end = first + shown.count
        self._load(self._arguments[1], 1)
        self.scroll_to(y=end, animate=False)

    def watch_action_index(self) -> None:
        self._pages = 1
        self._draw()
        self.scroll_home(animate=False)

    def watch_alive(self) -> None:
        if self.review is not None and self.review.state is State.DECIDED:
            self._draw_status()

    def on_mount(self) -> None:
        self._draw()

    def _step(self, by: int) -> None:
        if self.review is not None:
            self.action_index = (self.action_index + by) % len(self.review.actions)

    def _draw(self) -> None:
        if not self.drawn:
            self.refresh()  # all of it: two questions may look alike
        said, self.told = self._messages, self.review
        if self.review is not None and not self._revealed:
            self.told = self._masked(self.review)
            if self.told is not self.review:
                words = masked_words(self.masks, self.review)
                said = [replace(each, text=words(each.text)) for each in said]
        if self.told is None:
            self._text = CardText(self._empty, [], [], [], False)
        else:
            table = self._table(self.told)
            self._text = card_text(self.told, self.action_index, said, table, self._pages)
        self._draw_status()

    def _masked(self, review: Review) -> Review:
        """Known, once it was: to look for masks takes 40 ms where there are 200,000 names."""
        if self._known is None or self._known[0] is not review:
            self._known = review, masked_review(self.masks, review)
        return self._known[1]

    def _table(self, review: Review) -> Arguments:
        if self._arguments is None or self._arguments[0] != self.question:
            table = Arguments(review.actions[self.action_index].tool_args, *SLICE)
            self._arguments = self.question, table
            if table.missing:
                self.call_after_refresh(self._load, table, SLICES - 1)
        return self._arguments[1]

    def _load(self, table: Arguments, slices: int) -> None:
        """Show more of the arguments, some milliseconds' worth at once: keys come in between."""
        if self._arguments is None or self._arguments[1] is not table:
            return
        table.read_on(*SLICE)
        self._draw()
        if slices > 1 and table.missing:
            self.call_after_refresh(self._load, table, slices - 1)

    @property
    def _more(self) -> bool:
        """Whether there are arguments that were not loaded yet."""
        return self._arguments is not None and bool(self._arguments[1].missing)

    def _masked_note(self) -> list[Line]:
        if self._revealed:
            return [note(f"masked values are shown: {DISPLAY['reveal']} hides them")]
        if self.review is None or self.told is self.review:
            return []
        count = self._count_masks(self.review, self.action_index)
        words = f"{counted(count, 'value')} masked: {DISPLAY['reveal']} shows what is there"
        return [note(words)] if count else []

    def _count_masks(self, review: Review, index: int) -> int:
        args = review.actions[index].tool_args
        if self._places is None or self._places[0] is not args:
            self._places = args, len(self.masks.over(args).places)
        return self._places[1]

    def _draw_status(self) -> None:
        text, status = self._text, list[Line]()
        if self.told is not None:
            status += status_lines(self.told, Viewer(time.time(), self._me, self.alive))
        above = [*text.head, *status, *text.batch, *self._masked_note()]
        self.show_parts(above, text.arguments, [*text.body, *(_MORE if text.cut else ())])


def _question(review: Review, index: int) -> object:
    return review.key, review.question.digest, index


def _first_open(review: Review | None) -> int:
    """The first Action without a verdict."""
    if review is None:
        return 0
    return next((n for n in range(len(review.actions)) if n not in review.verdicts), 0)


_NOTHING: list[Line] = [BLANK, line((own("Nothing to decide."), MUTED))]
_MORE: list[Line] = [BLANK, line((own("This is not all: m shows more."), WARN))]
