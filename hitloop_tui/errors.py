"""Every error this package raises on purpose.

HitloopError
├── BadInput            the caller's words are wrong: names the file, field or row (exit code 2)
│   ├── ConfigError     a configuration file, graph reference or option
│   └── InvalidVerdict  a verdict the Review does not allow, or an answer of the wrong shape
├── NotFound            no such Review, thread or file
│   └── Ambiguous       an id prefix that fits several Reviews
├── Conflict            somebody was faster: the Review is in another state by now
├── AlreadyAsked        a callback id that belongs to another approval request
├── NotVerified         a callback or a decision that its alleged sender did not sign
├── SigningError        a decision that could not be signed, and so was not recorded
├── DatabaseError       the checkpoint database or the ledger cannot be read or written
└── GraphLoadError      a graph reference that could not be imported, built or compiled
"""

from __future__ import annotations


class HitloopError(Exception):
    """Base of all errors raised on purpose; its text is written for the person at the terminal."""


class BadInput(HitloopError):
    """The caller's words are wrong."""


class ConfigError(BadInput):
    """A configuration file, a graph reference or an option cannot be used."""


class InvalidVerdict(BadInput):
    """A verdict the Review does not allow, or an answer of the wrong shape."""


class Conflict(HitloopError):
    """Somebody was faster: the Review is in another state by now."""


class NotFound(HitloopError):
    """No such Review, thread or file."""


class Ambiguous(NotFound):
    """An id prefix fits several Reviews."""


class AlreadyAsked(HitloopError):
    """A callback id belongs to another approval request already."""


class NotVerified(HitloopError):
    """A callback or a decision was not signed by its alleged sender, or too long ago."""


class SigningError(HitloopError):
    """A decision could not be signed with the key that was given for it."""


class DatabaseError(HitloopError):
    """A database file cannot be read or written."""


class GraphLoadError(HitloopError):
    """A graph reference could not be imported, built or compiled."""
