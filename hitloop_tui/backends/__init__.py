"""Channels over which a person is asked."""

from __future__ import annotations

from hitloop_tui.backends.automatic import AutoApproveBackend, AutoRejectBackend, ScriptedBackend
from hitloop_tui.backends.breaker import CircuitBreakerConfig, CircuitState
from hitloop_tui.backends.callbacks import Callback, Reply, Verifier
from hitloop_tui.backends.chat import DiscordVerifier, SlackVerifier
from hitloop_tui.backends.cli_backend import CLIBackend
from hitloop_tui.backends.console import ConsoleBackend
from hitloop_tui.backends.http_webhook import HTTPSender, SimpleHTTPWebhookBackend
from hitloop_tui.backends.humanlayer_backend import HumanLayerBackend
from hitloop_tui.backends.persistent_webhook import PersistentWebhookBackend
from hitloop_tui.backends.retry import RetryConfig
from hitloop_tui.backends.standard_webhooks import StandardWebhooks
from hitloop_tui.backends.webhook_backend import WebhookBackend

__all__ = [
    "AutoApproveBackend",
    "AutoRejectBackend",
    "CLIBackend",
    "Callback",
    "CircuitBreakerConfig",
    "CircuitState",
    "ConsoleBackend",
    "DiscordVerifier",
    "HTTPSender",
    "HumanLayerBackend",
    "PersistentWebhookBackend",
    "Reply",
    "RetryConfig",
    "ScriptedBackend",
    "SimpleHTTPWebhookBackend",
    "SlackVerifier",
    "StandardWebhooks",
    "Verifier",
    "WebhookBackend",
]
