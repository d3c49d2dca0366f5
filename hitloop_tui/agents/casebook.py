"""Believable business cases, the same for the same number on every machine."""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

PEOPLE = [
    "Dana Whitfield",
    "Marek Novotny",
    "Aisha Rahman",
    "Tomás Herrera",
    "Ingrid Solberg",
    "Kwame Mensah",
    "Yuki Tanabe",
    "Priya Raghavan",
    "Liam O'Connor",
    "Chiara Bellini",
    "Noor Haddad",
    "Erik Lindqvist",
    "Beatriz Moura",
    "Jonas Keller",
    "Wanjiru Kamau",
    "Sophie Laurent",
]
COMPANIES = [
    "Northwind Traders",
    "Halden Marine",
    "Bluecrest Dental",
    "Oakline Furniture",
    "Vantage Optics",
    "Terra Verde Foods",
    "Kestrel Logistics",
    "Summit Outdoor",
    "Meridian Printing",
    "Lindqvist & Daughters",
]
PRODUCTS = [
    "standing desk",
    "espresso grinder",
    "trail jacket",
    "monitor arm",
    "label printer",
    "cargo bike light",
    "noise-cancelling headset",
    "dental loupe",
    "pallet scale",
    "ceramic planter",
]
REASONS = [
    "arrived with a cracked housing",
    "was delivered twice",
    "never left the Leipzig depot",
    "does not fit the order confirmation",
    "was cancelled before dispatch",
    "was charged in the wrong currency",
]
PROJECTS = ["atlas", "harbour", "lumen", "orchard", "quarry", "sextant"]
TOPICS = [
    "reusable parcel packaging in the Nordics",
    "heat pump demand among small hotels",
    "the second-hand e-bike market in Germany",
    "cold-chain costs for small dairies",
    "same-day delivery outside of big cities",
    "supplier risk in ceramic components",
]


@dataclass(frozen=True, slots=True)
class Case:
    """One customer with one order, and the dice for whatever else a story needs."""

    number: int
    person: str
    company: str
    product: str
    reason: str
    project: str
    topic: str
    order: str
    amount: float
    dice: random.Random

    @property
    def email(self) -> str:
        first = self.person.split()[0].lower().encode("ascii", "ignore").decode()
        return f"{first}@{self.company.split()[0].lower()}.example"

    @property
    def first_name(self) -> str:
        return self.person.split()[0]


def case(number: int) -> Case:
    """The case with this number."""
    dice = random.Random(number)
    return Case(
        number=number,
        person=dice.choice(PEOPLE),
        company=dice.choice(COMPANIES),
        product=dice.choice(PRODUCTS),
        reason=dice.choice(REASONS),
        project=dice.choice(PROJECTS),
        topic=dice.choice(TOPICS),
        order=f"SO-{dice.randint(20_000, 99_999)}",
        amount=round(dice.uniform(18, 940), 2),
        dice=dice,
    )


def case_number(number: int, seed: int) -> int:
    """Different seeds give different cases for the same thread number."""
    return seed * 100_000 + number


def case_of(messages: Sequence[Any]) -> Case:
    """The case a conversation is about; free text without a case number gets one of its own."""
    text = " ".join(str(getattr(message, "content", message)) for message in messages[:2])
    found = re.search(r"[Cc]ase (\d+)", text)
    return case(int(found[1]) if found else zlib.crc32(text.encode()) % 100_000)
