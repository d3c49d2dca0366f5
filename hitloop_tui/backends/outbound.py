"""Where requests may be sent: to one https address, or to this machine.

What a name stands for is looked up anew for each message, so the address at the other end is
checked again before anything is sent (DNS rebinding).
"""

from __future__ import annotations

import ipaddress
import re
from typing import TypeAlias
from urllib.parse import urlsplit

from hitloop_tui.errors import ConfigError

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?", re.IGNORECASE)
"""Host and port as all readers of URLs read them."""

NAT64 = ipaddress.ip_network("64:ff9b::/96")


def allowed_url(url: str) -> str:
    """`url`, if requests may be sent there. Raises ConfigError, which never quotes the url."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ConfigError("outbound_url is no URL") from None
    if parts.scheme not in ("https", "http") or not host:
        raise ConfigError("outbound_url must begin with https://")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise ConfigError("outbound_url must not hold a user, a password or a fragment")
    if not url.isascii() or any(char <= " " or char in '\\"<>' for char in url):
        raise ConfigError("outbound_url holds characters that do not belong into a URL")
    if not AUTHORITY.fullmatch(parts.netloc):
        raise ConfigError("outbound_url names no host, or one in an unusual form")
    address = _address(host)
    if address is not None:
        _check(parts.scheme, address)
    elif parts.scheme == "http" and host != "localhost":
        raise ConfigError("outbound_url must be https, or http on this machine (127.0.0.1)")
    return url


def check_peer(url: str, peer: str) -> None:
    """Raises ConfigError when the name in `url` led to a `peer` that it could not name itself."""
    address = _address(peer)
    if address is not None:
        _check(urlsplit(url).scheme, address)


def _check(scheme: str, address: Address) -> None:
    if address.is_loopback:
        return
    if scheme == "http":
        raise ConfigError("outbound_url must be https, or http on this machine (127.0.0.1)")
    if address.is_link_local or address.is_unspecified:
        raise ConfigError("outbound_url must not point at the machine's own network services")


def _address(host: str) -> Address | None:
    """The address that a host given by number means; None for a name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        last = host.rstrip(".").rpartition(".")[2].lower()
        if not last.isdecimal() and not last.startswith("0x"):
            return None  # 2130706433 and 0x7f.1 would be read as 127.0.0.1
    else:
        if isinstance(address, ipaddress.IPv4Address) or not _stands_for_another(address):
            return address
    raise ConfigError("outbound_url holds an address in an unusual form")


def _stands_for_another(address: ipaddress.IPv6Address) -> bool:
    """An IPv4 address in the clothes of IPv6, or an address with a zone."""
    tunnel = address.ipv4_mapped or address.sixtofour or address.teredo or address.scope_id
    return tunnel is not None or address in NAT64
