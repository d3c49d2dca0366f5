"""How often people who write other scripts would be warned for nothing.

python -m tests.figures.false_alarms DIRECTORY reads every gettext catalogue (.mo) below a directory
and prints, per language, how many of its translations raise a warning. Django's wheel holds about
90 languages: `pip download --no-deps django`, unpack, and name the folder.
"""

from __future__ import annotations

import argparse
import gettext
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from hitloop_tui.attach.review import ReviewAction
from hitloop_tui.attach.suspicions import suspicions

_TEMPLATE = re.compile(r"%\(\w+\)[sdif]|%[sdif]|\{\{?\s*\w*\s*\}?\}|\\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--show", action="store_true", help="print each alarm")
    options = parser.parse_args()
    counts = count(options.directory, show=options.show)
    for language, (alarms, texts) in sorted(counts.items(), key=lambda c: -c[1][0] / c[1][1]):
        if alarms:
            print(f"{language:10} {alarms:4} of {texts:5}  {alarms / texts:.2%}")
    alarms, texts = (sum(pair[n] for pair in counts.values()) for n in (0, 1))
    print(f"{len(counts)} languages: {alarms} of {texts} texts, {alarms / texts:.3%}")


def count(directory: Path, *, show: bool = False) -> dict[str, tuple[int, int]]:
    """Alarms and texts by language."""
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for path in sorted(directory.rglob("*.mo")):
        language = path.parts[-3]
        for text in _translations(path):
            doubts = suspicions(ReviewAction("tool", {"text": text}))
            found[language][0] += bool(doubts)
            found[language][1] += 1
            if show and doubts:
                print(f"{language}: {text!r}: {doubts}")
    return {language: (alarms, texts) for language, (alarms, texts) in found.items()}


def _translations(path: Path) -> Iterator[str]:
    """What translators wrote, with a word in place of each placeholder."""
    with path.open("rb") as file:
        catalogue = gettext.GNUTranslations(file)
    for text in catalogue._catalog.values():  # type: ignore[attr-defined]
        plain = _TEMPLATE.sub("word", text)
        if not plain.isascii() and "Project-Id" not in plain:
            yield plain


if __name__ == "__main__":
    main()
