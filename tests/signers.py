"""People with ssh keys, as `ssh-keygen` makes them, and a list of who may sign."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hitloop_tui.core import signature

needs_ssh = pytest.mark.skipif(
    shutil.which("ssh-keygen") is None and "REQUIRE_SSH" not in os.environ,
    reason="needs OpenSSH's client: .ci/run installs it, and does not let these tests be skipped",
)


@dataclass(frozen=True)
class Signer:
    """One person; `allowed` names them in the list beside their key."""

    name: str
    key: Path

    @property
    def allowed(self) -> str:
        return f"{self.name} {self.key.with_name(self.key.name + '.pub').read_text().strip()}\n"

    def sign(self, said: bytes) -> str:
        return signature.sign(said, self.key)

    def answer(
        self, question: Any, call: tuple[str, Mapping[str, Any]], thread_id: str = "t", **said: Any
    ) -> dict[str, Any]:
        """A signed answer to an `Interrupt`, as the console would send it."""
        answer = {
            "approved": True,
            "decided_by": f"human:{self.name}",
            "decided_at": "2026-11-23T12:00:00.000+00:00",
            "reason": "",
            **said,
        }
        text = signature.statement(
            thread_id=thread_id,
            interrupt_id=question.id,
            calls=[call],
            answer=answer,
            decided_by=answer["decided_by"],
            decided_at=answer["decided_at"],
        )
        return {**answer, "signature": self.sign(text)}


def signer(folder: Path, name: str, key: Signer | None = None) -> Signer:
    """A person with a new key, or with the key of somebody else."""
    if key is not None:
        return Signer(name, key.key)
    path = folder / f"key-{name}"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path)],
        check=True,
        stdin=subprocess.DEVNULL,
    )
    return Signer(name, path)


def allowed(folder: Path, *people: Signer) -> Path:
    path = folder / "allowed_signers"
    path.write_text("".join(person.allowed for person in people))
    return path
