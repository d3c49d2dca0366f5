"""Values that are shown only to a person who asks: passwords, tokens, pydantic's secrets.

A mask hides a value from eyes, from nothing else: digests, signatures, the ledger and the thread
have the value itself. Nobody notes who looked, since whoever can open a console can read the file.

Who approves without looking accepts what was not shown. `[mask]` in `hitloop.toml` says under which
names that may be; the agent cannot change it, but it chooses the names of what it nests inside its
arguments. So a mask tells how long a value is that is too long for a secret, and nothing that runs
is hidden without a mask in its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import translate
from functools import cached_property, lru_cache
from itertools import islice
from typing import Any

from hitloop_tui.attach.decode import TYPE, inside
from hitloop_tui.attach.out_of_texts import DOT, DOTS, Mask, in_texts, without
from hitloop_tui.attach.secrets_in_json import secrets_in, texts_like_json
from hitloop_tui.errors import InvalidVerdict

__all__ = ["DEFAULTS", "DOT", "DOTS", "MASKS", "Mask", "Masked", "Masks", "is_secret", "without"]

DEFAULTS = (
    *("*password*", "*passwd*", "*passphrase*", "pwd", "*secret", "*secrets", "secret_*"),
    *("token", "*[_-]token", "*accesstoken", "*authtoken", "*refreshtoken", "*api[_-]key*"),
    *("*apikey*", "*access[_-]key*", "*private[_-]key*", "*privatekey*", "*credentials"),
    *("authorization", "cookie", "set-cookie", "cvv", "cvc"),
)
"""Names of arguments, without regard to case. `max_tokens` and `secretary` are none of them."""
_ABOUT = (
    "age",
    "env",
    "field",
    "header",
    "id",
    "length",
    "name",
    "policy",
    "regex",
    "rules",
    "type",
)
NO_SECRETS = (
    *(f"*{what}[_-]{about}" for what in ("password", "key") for about in _ABOUT),
    *("*[_-]per[_-]token", "next[_-]token", "*page[_-]token", "continuation[_-]token"),
)
"""Names among the default ones that tell of a secret, or of a place in a list."""
SECRETS = "pydantic.types.Secret"
"""`SecretStr`, `SecretBytes` and `Secret[...]`, as LangGraph stores them."""

NO_SECRET = 100
"""Characters; of a longer value the mask tells the length."""
TOGETHER = 512
"""Names that are looked at at once."""

_WILD = re.compile(r"\[!?\]?[^\]]*\]|[*?]")


@dataclass(frozen=True, slots=True)
class Masked:
    """A value as it is shown."""

    value: Any
    hidden: dict[str, Any]
    """What the masks in it stand for, by their text."""
    places: tuple[str, ...] = ()
    """Where they are, such as `headers.authorization`."""
    in_json: dict[str, str] = field(default_factory=dict)
    """The masks inside JSON texts, quoted, and the JSON that they stand for."""

    def kept(self, typed: Any, value: Any) -> Any:
        """`value`, which came of `typed`, under the masks that were left in that."""
        match typed, value:
            case str(), _ if typed in self.hidden:
                return Mask(typed)
            case str(), str() if any(mask in typed for mask in self.in_json):
                return typed
            case dict(), dict():
                return {name: self.kept(typed.get(name), item) for name, item in value.items()}
            case list(), list() if len(typed) == len(value):
                return list(map(self.kept, typed, value))
        return value


class Masks:
    """Which values are masked, by the names they stand under at any depth."""

    def __init__(self, names: Iterable[str] = DEFAULTS) -> None:
        self.names = tuple(name.lower() for name in names)
        self._hides = lru_cache(maxsize=4096)(self._match)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        own = [translate(name) for name in self.names if name not in DEFAULTS]
        by_default = "|".join(translate(name) for name in self.names if name in DEFAULTS)
        if by_default:
            own.append(f"(?!{'|'.join(map(translate, NO_SECRETS))})(?:{by_default})")
        return re.compile("|".join(own) or r"(?!)", re.DOTALL)

    def _match(self, name: Any) -> bool:
        return isinstance(name, str) and self._pattern.match(name.lower()) is not None

    def over(self, value: Any) -> Masked:
        """`value` as it is shown; the very same object where nothing in it is masked."""
        if not self._concern(value):
            return Masked(value, {})
        masking = _Masking(self, _dots_beside(value))
        shown = masking.shown(value, "")
        return Masked(shown, masking.hidden, tuple(masking.places), masking.in_json)

    def hides(self, name: Any, value: Any) -> bool:
        """Whether a value is masked under this name."""
        return self._hides(name) and _worth(value)

    def names_secret(self, name: Any) -> bool:
        return self._hides(name)

    def may_be_in(self, text: Any) -> bool:
        """Whether a JSON text has something like a masked name."""
        if not texts_like_json([text]):
            return False
        told = text.lower()
        return any(word in told for word in self._words)

    def everywhere(self, value: Any) -> Any:
        """`value` as it is shown, with what is masked taken out of its texts, too."""
        masked = self.over(value)
        return in_texts(without(masked.hidden.values()), masked.value) if masked.hidden else value

    def restored(self, given: Any, original: Any) -> Any:
        """Edited arguments with the values behind those masks of `original` that were left in.

        Raises InvalidVerdict where a part of a mask is left: it would become a value.
        """
        masked = self.over(original)
        if not masked.hidden:
            return given
        return _restored(given, masked, _dots_beside(original), "")

    def _concern(self, value: Any) -> bool:
        stack = [value]
        while stack:
            item = stack.pop()
            if isinstance(item, dict):
                if is_secret(item):
                    return True
                names = item if len(item) < TOGETHER else self._candidates(item)
                if any(self.hides(name, item[name]) for name in names):
                    return True
                if any(map(self.may_be_in, texts_like_json(item.values()))):
                    return True
            stack += inside(item)
        return False

    def _candidates(self, names: Iterable[Any]) -> Iterator[Any]:
        """The names that may be hidden: most of 200,000 are told at once that they are not."""
        left = iter(names)
        while some := list(islice(left, TOGETHER)):
            told = "\0".join(map(str, some)).lower()
            if any(word in told for word in self._words):
                yield from some

    @cached_property
    def _words(self) -> tuple[str, ...]:
        """The longest plain part of each glob: no other name can match it."""
        return tuple(max(_WILD.split(name), key=len) for name in self.names)


class _Masking:
    """One value's masking: masks are numbered as they come."""

    def __init__(self, masks: Masks, dots: str) -> None:
        self.hidden: dict[str, Any] = {}
        self.places: list[str] = []
        self.in_json: dict[str, str] = {}
        self._masks = masks
        self._dots = dots

    def shown(self, value: Any, place: str) -> Any:
        match value:
            case dict():
                secret = is_secret(value)
                return {
                    name: self._item(name, item, f"{place}.{name}" if place else str(name), secret)
                    for name, item in value.items()
                }
            case list() | tuple():
                if not inside(value):
                    return list(value)
                return [self.shown(item, f"{place}[{n}]") for n, item in enumerate(value)]
        return value

    def _text(self, text: str, place: str) -> str:
        parts, at = [], 0
        for start, end, value in secrets_in(text, self._masks.hides):
            mask = f'"{self._mask(value, place)}"'
            self.in_json[mask] = text[start:end]
            parts += [text[at:start], mask]
            at = end
        return "".join([*parts, text[at:]])

    def _item(self, name: Any, item: Any, place: str, secret: bool) -> Any:
        if not _worth(item) or (secret and name == TYPE):
            return item
        if not secret and not self._masks.names_secret(name):
            text = self._masks.may_be_in(item)
            return self._text(item, place) if text else self.shown(item, place)
        return self._mask(item, place)

    def _mask(self, item: Any, place: str) -> Mask:
        mask = Mask(f"{self._dots} masked {len(self.hidden) + 1}{_size(item)}")
        self.hidden[str(mask)] = item
        self.places.append(place)
        return mask


def _restored(given: Any, masked: Masked, dots: str, place: str) -> Any:
    match given:
        case str() if given in masked.hidden:
            return masked.hidden[given]
        case str() if dots in given:
            for mask, behind in masked.in_json.items():
                given = given.replace(mask, behind)
            if dots in given:
                raise InvalidVerdict(
                    f"{place or 'the value'}: a part of a mask is left: leave all of it, or none"
                )
        case dict():
            for name in given:
                if isinstance(name, str) and dots in name:
                    raise InvalidVerdict(f"{name}: a mask is no name of an argument")
            return {
                name: _restored(item, masked, dots, f"{place}.{name}" if place else str(name))
                for name, item in given.items()
            }
        case list():
            return [_restored(i, masked, dots, f"{place}[{n}]") for n, i in enumerate(given)]
    return given


def is_secret(item: Mapping[Any, Any]) -> bool:
    """Whether this stands for a secret of pydantic's."""
    kind = item.get(TYPE)
    return isinstance(kind, str) and kind.startswith(SECRETS)


def _worth(value: Any) -> bool:
    """Whether there is anything to hide: no flag, and not nothing."""
    return not isinstance(value, bool) and value not in (None, "", b"", [], {}, ())


def _size(value: Any) -> str:
    size = len(value) if isinstance(value, str | bytes) else sum(map(len, _texts(value)))
    return f", {size:,} characters" if size > NO_SECRET else ""


def _dots_beside(value: Any) -> str:
    """Dots that no text of the value has, so that a mask is never taken for one, nor one for it."""
    dotted = (text for text in _texts(value) if DOT in text)
    runs = (run for text in dotted for run in re.findall(f"{DOT}+", text))
    return DOT * max(len(DOTS), 1 + max(map(len, runs), default=0))


def _texts(value: Any) -> Iterator[str]:
    stack = [value]
    while stack:
        item = stack.pop()
        match item:
            case str():
                yield item
            case dict():
                stack += [*item.keys(), *item.values()]
            case list() | tuple():
                stack += item


MASKS = Masks()
"""What is masked where nobody says otherwise."""
