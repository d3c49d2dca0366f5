"""Who decides: what the system says of the account, and the name the person states."""

from __future__ import annotations

import contextlib
import os
import pwd
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hitloop_tui.core.people import nobody
from hitloop_tui.errors import BadInput


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at a terminal. `name` is as stated; `account` is what the kernel knows."""

    name: str
    account: dict[str, Any]
    kind: str = "human"
    """`system` where no person decides."""
    sign: Callable[[bytes], str] | None = field(default=None, compare=False, repr=False)
    """Signs what is decided; may raise SigningError. None: decisions are not signed."""

    @property
    def decided_by(self) -> str:
        return f"{self.kind}:{self.name}"


def this_person(stated: str | None = None, sign: Callable[[bytes], str] | None = None) -> Person:
    """The person of this process.

    The uid is kernel truth. Terminal and ssh connection come from the environment, so they are
    recorded as claims. Raises BadInput for a name that cannot be told from another one, or that is
    nobody's.
    """
    if stated is not None:
        stated = stated.strip().removeprefix("human:")
        if not stated.isprintable() or nobody(stated):
            raise BadInput(f"{stated!r} is no name of a person: give your own with --as NAME")
    uid = os.getuid()
    try:
        login = pwd.getpwuid(uid).pw_name
    except KeyError:
        login = f"uid{uid}"
    account: dict[str, Any] = {"login": login, "uid": uid, "host": socket.gethostname()}
    if stated:
        account["stated"] = stated
    if "SSH_CONNECTION" in os.environ:
        account["ssh"] = os.environ["SSH_CONNECTION"]
    with contextlib.suppress(OSError):
        account["tty"] = os.ttyname(0)
    return Person(stated or login, account, sign=sign)
