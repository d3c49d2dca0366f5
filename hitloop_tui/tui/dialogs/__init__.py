"""Dialogs: each a screen over the console that ends with a typed result, None for cancelled."""

from __future__ import annotations

from hitloop_tui.tui.dialogs.confirm import ConfirmDialog
from hitloop_tui.tui.dialogs.edit import EditDialog
from hitloop_tui.tui.dialogs.form import FormDialog
from hitloop_tui.tui.dialogs.frame import Dialog
from hitloop_tui.tui.dialogs.name import NameDialog
from hitloop_tui.tui.dialogs.reason import ReasonDialog
from hitloop_tui.tui.dialogs.respond import Respond, RespondDialog

__all__ = [
    "ConfirmDialog",
    "Dialog",
    "EditDialog",
    "FormDialog",
    "NameDialog",
    "ReasonDialog",
    "Respond",
    "RespondDialog",
]
