"""Decisions signed with an operator's ssh key, and the check of such a signature.

The format is OpenSSH's (PROTOCOL.sshsig), made and checked by `ssh-keygen -Y`: keys stay with the
person or their agent, and the list of signers is a file that sshd and git read, too.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hitloop_tui.core.digest import action_digest, canonical_json
from hitloop_tui.core.plain_json import json_text
from hitloop_tui.errors import NotVerified, SigningError

NAMESPACE = "hitloop-tui"
"""Keeps a signature made for something else from passing as a decision."""
PERSON = "human:"
"""Before a name in `decided_by`; the name is the principal in the list of allowed signers."""
BESIDE = frozenset({"signature", "approved_by", "votes"})
"""Keys of an answer to a gate that come on top of what its sender signs."""
PROGRAM = "ssh-keygen"
SIGN_S = 120.0
"""Seconds to sign in: a hardware key waits for a touch."""
VERIFY_S = 20.0


def statement(
    *,
    thread_id: str,
    interrupt_id: str,
    calls: Sequence[tuple[str, Mapping[str, Any]]],
    answer: Any,
    decided_by: str,
    decided_at: str,
) -> bytes:
    """What is signed, as canonical JSON: this answer to this question about these calls.

    A call is tool name and arguments; it counts in the form in which JSON can say it.
    """
    said = {
        "v": 1,
        "thread_id": thread_id,
        "interrupt_id": interrupt_id,
        "actions": [action_digest(tool, json.loads(json_text(args))) for tool, args in calls],
        "answer": answer,
        "decided_by": decided_by,
        "decided_at": decided_at,
    }
    return canonical_json(said).encode("utf-8", "surrogatepass")


def own_words(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The part of an answer to a gate that its sender signs."""
    return {key: value for key, value in answer.items() if key not in BESIDE}


def sign(said: bytes, key: Path) -> str:
    """An armoured signature with a private key, or with its public half through ssh-agent.

    Raises SigningError. A passphrase is never asked for on the terminal, which may be a console's.
    """
    done = _run(["sign", "-f", str(key), "-n", NAMESPACE], said, SIGN_S)
    if done.returncode != 0:
        raise SigningError(
            f"{key} cannot sign ({_last_line(done)}); a key with a passphrase must be in the"
            " agent: ssh-add"
        )
    return done.stdout.decode("ascii")


def verify(
    said: bytes, signature: str, principal: str, allowed: Path, at: datetime | None = None
) -> str:
    """The fingerprint of the key that signed. Raises NotVerified when it was not the principal's.

    `allowed` is a list of allowed signers (ssh-keygen(1)). Keys count that were valid `at` that
    time, or now.
    """
    if not os.access(allowed, os.R_OK):
        raise NotVerified(f"the list of allowed signers cannot be read: {allowed}")
    moment = (at or datetime.now(UTC)).astimezone(UTC).strftime("%Y%m%d%H%M%S")
    with tempfile.NamedTemporaryFile(prefix="hitloop-", suffix=".sig") as file:
        file.write(signature.encode("utf-8", "replace"))
        file.flush()
        place = ["-f", str(allowed), "-I", principal, "-n", NAMESPACE, "-s", file.name]
        done = _run(["verify", "-O", f"verify-time={moment}", *place], said, VERIFY_S)
    if done.returncode != 0:
        raise NotVerified(f"not signed by {principal} for this question ({_last_line(done)})")
    return done.stdout.decode("utf-8", "replace").split()[-1]


def principal_of(decided_by: object) -> str:
    """The name behind a `decided_by`. Raises NotVerified for one who is no person."""
    if not isinstance(decided_by, str) or not decided_by.removeprefix(PERSON).strip():
        raise NotVerified("the answer does not say who decided")
    if not decided_by.startswith(PERSON) or not decided_by.isprintable():
        raise NotVerified(f"{decided_by!r} is no person, and only people can sign")
    return decided_by.removeprefix(PERSON)


def _run(arguments: list[str], said: bytes, seconds: float) -> subprocess.CompletedProcess[bytes]:
    """A session of its own has no terminal to ask on; UTC is how times are given."""
    try:
        return subprocess.run(
            [PROGRAM, "-Y", *arguments],
            input=said,
            capture_output=True,
            timeout=seconds,
            env={**os.environ, "TZ": "UTC", "LC_ALL": "C"},
            start_new_session=True,
        )
    except FileNotFoundError:
        problem = f"{PROGRAM} is not installed: it comes with OpenSSH's client"
    except (subprocess.TimeoutExpired, OSError, ValueError) as error:
        problem = f"{PROGRAM}: {error}"
    raise (SigningError if arguments[0] == "sign" else NotVerified)(problem)


def _last_line(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip() if lines else f"exit code {done.returncode}"
