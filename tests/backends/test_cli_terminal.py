"""The prompt in processes of their own: at a terminal, at a pipe, and at nothing."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
import time

import pytest

SCRIPT = """
import asyncio
from hitloop_tui.backends import CLIBackend
from tests.backends.desk import a_request
backend = CLIBackend(timeout_seconds={timeout})
print(asyncio.run(backend.request_approval(a_request())).model_dump_json())
"""


class Terminal:
    """A process at the prompt of a terminal that a person sits at."""

    def __init__(self, timeout: float = 20) -> None:
        self.keys, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT.format(timeout=timeout)],
            stdin=slave,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(slave, termios.TIOCSCTTY, 0),
        )
        os.close(slave)

    def asked(self) -> None:
        for line in self.process.stdout:
            if "Approve this action?" in line:
                break
        time.sleep(0.2)
        assert self.process.poll() is None

    def type(self, keys: bytes) -> None:
        os.write(self.keys, keys)

    def rest(self) -> str:
        """What it says until its end."""
        return self.process.communicate(timeout=20)[0]

    def hang_up(self) -> None:
        os.close(self.keys)


def test_ctrl_c():
    terminal = Terminal()
    terminal.asked()
    terminal.type(b"\x03")
    said = terminal.rest()
    assert said.rstrip().endswith("KeyboardInterrupt")
    assert "action_id" not in said
    assert terminal.process.returncode == -signal.SIGINT
    terminal.hang_up()


def test_ctrl_d():
    terminal = Terminal()
    terminal.asked()
    terminal.type(b"\x04")
    assert '"decided_by":"system:no_input"' in terminal.rest()
    terminal.hang_up()


def test_a_window_that_is_closed():
    """As under nohup: whoever ignores the hang-up must not take it for an answer."""
    master, slave = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(timeout=20)],
        stdin=slave,
        stdout=subprocess.PIPE,
        text=True,
    )
    os.close(slave)
    for line in child.stdout:
        if "Approve this action?" in line:
            break
    os.close(master)
    assert '"decided_by":"system:no_input"' in child.communicate(timeout=20)[0]


@pytest.mark.parametrize("redirected", ["</dev/null", "<&-"])
def test_without_a_terminal(redirected):
    command = ["bash", "-c", f'"$0" -c "$1" {redirected}']
    done = subprocess.run(
        [*command, sys.executable, SCRIPT.format(timeout=20)],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert '"decided_by":"system:no_input"' in done.stdout, done.stderr


@pytest.mark.parametrize("ends", [pty.openpty, lambda: os.pipe()[::-1]], ids=["tty", "pipe"])
def test_a_process_ends_although_nobody_answered(ends):
    """Upstream's reading thread keeps the interpreter from ending."""
    command = [sys.executable, "-c", SCRIPT.format(timeout=0.3)]
    master, slave = ends()
    done = subprocess.run(command, stdin=slave, capture_output=True, text=True, timeout=30)
    os.close(master)
    os.close(slave)
    assert '"decided_by":"system:timeout"' in done.stdout
    assert done.returncode == 0, done.stderr


def test_an_answer_through_a_pipe():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(timeout=20)],
        input="y\nfine\n",
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert '"approved":true,"reason":"fine"' in done.stdout, done.stderr


def test_what_was_typed_before_is_no_answer():
    """Type-ahead must not approve a request that nobody has read."""
    terminal = Terminal()
    terminal.type(b"y\ny\n")
    terminal.asked()
    terminal.type(b"n\nread it\n")
    assert '"approved":false,"reason":"read it"' in terminal.rest()
    terminal.hang_up()
