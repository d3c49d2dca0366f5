"""One Action of one Review, whole: what the agent wants, why a person is asked, what was said."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.reactive import reactive
from textual.strip import Strip

from hitloop_tui.attach.review import Review, State
from hitloop_tui.attach.source import Message
from hitloop_tui.tui.content import MUTED, WARN
from hitloop_tui.tui.countdown import due_in, held_for, until_next
from hitloop_tui.tui.messages import Drawn
from hitloop_tui.tui.widgets.card_sections import CardText, card_text
from hitloop_tui.tui.widgets.card_status import Viewer, status_lines
from hitloop_tui.tui.widgets.rows import BLANK, Line, line, own
from hitloop_tui.tui.widgets.rows_view import LinesView


class Card(LinesView):
    """Shows and scrolls; the screen decides."""

    HELP = (
        "The question, whole. Arguments, risk and policy are facts; the agent's words are marked."
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "more", "show more", tooltip="Show more of long values.", show=False),
    ]

    action_index: reactive[int] = reactive(0, init=False)
    """The shown Action's place in the Review, from 0."""
    alive: reactive[int | None] = reactive(None, init=False)
    """Workers alive; None before it is known."""

    def __init__(
        self,
        me: str = "",
        *,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        """`me` is the `decided_by` of the person at this console."""
        super().__init__(id=id, classes=classes)
        self.review: Review | None = None
        self._me = me
        self._messages: Sequence[Message] = ()
        self._pages = 1
        self._text = CardText([], [], False)
        self._painted: object = None
        """The question that was last painted."""

    @property
    def question(self) -> object:
        """What exactly is asked on the card; None for nothing."""
        if self.review is None:
            return None
        return self.review.key, self.review.question.digest, self.action_index

    @property
    def drawn(self) -> bool:
        """Whether that is on the screen, too."""
        return self._painted == self.question

    @property
    def in_view(self) -> bool:
        return self.display and self.size.height > 0

    @property
    def cut(self) -> bool:
        """Whether some value is longer than what is shown of it."""
        return self._text.cut

    def show(self, review: Review | None, messages: Sequence[Message]) -> None:
        """Show a Review. The one that is shown already keeps its place and its Action."""
        same = review is not None and self.review is not None and review.key == self.review.key
        self.review, self._messages = review, messages
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
        return super().render_line(y)

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
        """Show twice as much of long values."""
        if self.cut:
            self._pages *= 2
            self._draw()

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
        if self.review is None:
            self._text = CardText(_NOTHING, [], False)
        else:
            self._text = card_text(self.review, self.action_index, self._messages, self._pages)
        self._draw_status()

    def _draw_status(self) -> None:
        text, status = self._text, list[Line]()
        if self.review is not None:
            status += status_lines(self.review, Viewer(time.time(), self._me, self.alive))
        self.show_lines([*text.head, *status, *text.body, *(_MORE if text.cut else ())])


def _first_open(review: Review | None) -> int:
    """The first Action without a verdict."""
    if review is None:
        return 0
    return next((n for n in range(len(review.actions)) if n not in review.verdicts), 0)


_NOTHING: list[Line] = [BLANK, line((own("Nothing to decide."), MUTED))]
_MORE: list[Line] = [BLANK, line((own("Long values are cut: press m to show more."), WARN))]
