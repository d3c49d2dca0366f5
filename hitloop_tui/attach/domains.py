"""Addresses that look like another one: letters of other scripts, digits for letters, detours."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache

IMITATED = frozenset(
    [
        "adobe",
        "airbnb",
        "alibaba",
        "aliexpress",
        "amazon",
        "americanexpress",
        "apple",
        "atlassian",
        "bankofamerica",
        "binance",
        "booking",
        "chase",
        "citibank",
        "cloudflare",
        "coinbase",
        "docusign",
        "dropbox",
        "facebook",
        "fedex",
        "github",
        "gitlab",
        "gmail",
        "google",
        "hotmail",
        "icloud",
        "instagram",
        "intuit",
        "linkedin",
        "mastercard",
        "microsoft",
        "netflix",
        "office365",
        "openai",
        "outlook",
        "paypal",
        "revolut",
        "salesforce",
        "sharepoint",
        "shopify",
        "slack",
        "spotify",
        "stripe",
        "telegram",
        "twitter",
        "wellsfargo",
        "whatsapp",
        "wikipedia",
        "yahoo",
        "youtube",
    ]
)
"""Names that reports on phishing list most often, without their endings."""

_HOST = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9+.-]*)://)?(?:(?P<user>[^/?#@]*)@)?(?P<host>[^/?#@:]+)",
    re.IGNORECASE,
)
_ENDINGS = frozenset({"com", "net", "org", "io", "co"})
MAX_ADDRESS = 2048
_AROUND = "()[]<>{}\"'`,;.!"

# Letters that most fonts draw like these Latin ones (UTS 39, confusables.txt), digits that stand in
# for letters, and pairs that run together.
_LIKE_LATIN = str.maketrans(
    "асԁеһіјӏкмпорԛгѕтцвхуѡԝѵαβγεηικνορτυχωօսոհցքıɡɑʟℓ",
    "acdehijlkmnopqrstubxywwvabyenikvoptuxwounhgpigall",
)
_TWINS = frozenset("асԁеһіјӏорԛѕхуԝѵАВЕКМНОРСТХІЈЅԌօοανικρυΑΒΕΖΗΙΚΜΝΟΡΤΥΧıɡɑ")
"""Those of them that are drawn alike in this very case."""
_DIGITS = str.maketrans("013457", "oleast")
_PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"))


def is_address(word: str) -> bool:
    return "@" in word or "://" in word or "xn--" in word


def domain_doubts(words: Iterable[str]) -> Iterator[str]:
    """One sentence for each address among the words that is not what it looks like."""
    for word in words:
        address = word[:MAX_ADDRESS].strip(_AROUND)
        found = _HOST.match(address) if is_address(address) else None
        if found is None:
            continue
        host = found["host"].strip(".").lower()
        if found["scheme"] and found["user"] and "." in found["user"]:
            yield f"{address[:80]} goes to {host}, not to {found['user']}"
        yield from _host_doubts(host)


def _host_doubts(host: str) -> Iterator[str]:
    labels = host.split(".")
    shown = [_decoded(label) for label in labels]
    if shown != labels:
        yield f"{host} is the encoded form of {'.'.join(shown)}"
    place = len(labels) - 2 if len(labels) > 1 else 0
    for number, label in enumerate(shown):
        name = _imitated().get(_skeleton(label), label)
        if name != label:
            yield f"{host} looks like {name}, and is not"
            return
        if number < place and label in IMITATED and shown[number + 1] in _ENDINGS:
            yield f"{label}.{shown[number + 1]} is only a part of {host}"
            return


@cache
def _imitated() -> dict[str, str]:
    return {_skeleton(name): name for name in IMITATED}


def latin_twin(word: str) -> str | None:
    """The Latin word that one in other letters could be taken for; None when it could not."""
    if not all(char.isascii() or char in _TWINS or _styled(char) for char in word):
        return None
    plain = unicodedata.normalize("NFKD", word).casefold().translate(_LIKE_LATIN)
    return plain if plain.isascii() else None


def _styled(char: str) -> bool:
    return unicodedata.normalize("NFKD", char).isascii()


def _skeleton(label: str) -> str:
    """What a label looks like at a glance."""
    plain = unicodedata.normalize("NFKD", label.casefold())
    bare = "".join(char for char in plain if not unicodedata.combining(char))
    latin = bare.translate(_LIKE_LATIN).translate(_DIGITS)
    for pair, one in _PAIRS:
        latin = latin.replace(pair, one)
    return latin


def _decoded(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label.removeprefix("xn--").encode("ascii").decode("punycode")
    except UnicodeError:
        return label
