"""Sending a webhook: to the address that was looked at, never to ourselves or to the network that we stand in."""

import http.client
import ipaddress
import socket
import ssl
import threading
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

TIMEOUT = 5.0
"""For connecting, and for each wait for the other side."""
WHOLE_TIMEOUT = 10.0
"""For all of it: a side that sends a letter now and then does not keep a worker."""
USER_AGENT = "futsim-alerts"

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# the cloud's own services that answer at addresses which look like anybody's
METADATA = frozenset({ipaddress.ip_address("168.63.129.16")})
NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Refused(Exception):
    """It is not sent, now or later; the message says why."""


class Failed(Exception):
    """It was not taken this time; the message says why."""


def post(url: str, body: bytes, headers: dict[str, str]) -> str:
    """Send it, and say what was answered. Raises Refused, Failed."""
    parts = _checked(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = parts.hostname or ""
    address = _resolve(host, port)
    try:
        return _send(parts, host, port, address, body, headers)
    except ssl.SSLError as problem:
        raise Failed(f"The certificate or TLS failed: {problem.reason}.") from None
    except (OSError, http.client.HTTPException) as problem:
        raise Failed(f"No answer: {problem or type(problem).__name__}.") from None


def is_plainly_private(url: str) -> bool:
    """Whether an address is refused without looking a name up: it says "localhost", or a number that is not public."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    if settings.ALERT_PRIVATE_WEBHOOKS:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return not is_public(host)
    except ValueError:
        return False


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        known = None
    if not known:
        raise Refused("The address is not one of http or https.")
    if parts.username or parts.password:
        raise Refused("The address has a user or a password in it.")
    return parts


def _resolve(host: str, port: int) -> str:
    """The address to connect to. Where one of the host's addresses is not allowed, none is."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as problem:
        raise Failed(f"{host} is not found: {problem}.") from None
    addresses = [str(each[4][0]) for each in found]
    for address in addresses:
        if not settings.ALERT_PRIVATE_WEBHOOKS and not is_public(address):
            raise Refused(f"{host} is at {address}, which is no public address.")
    return addresses[0]


def is_public(text: str) -> bool:
    """Whether an address is anybody's: not loopback, private, link-local, metadata, or another one in disguise."""
    address: Address = ipaddress.ip_address(text.partition("%")[0])
    inner = _inside(address)
    if inner is not None and not is_public(str(inner)):
        return False
    return address.is_global and not address.is_multicast and address not in METADATA


def _inside(address: Address) -> Address | None:
    """The IPv4 address that an IPv6 address leads to."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def _send(parts: SplitResult, host: str, port: int, address: str, body: bytes, headers: dict[str, str]) -> str:
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    connection.default_port = 443 if parts.scheme == "https" else 80
    # connected by hand: the library would look the name up again, and might find another address
    plain = socket.create_connection((address, port), TIMEOUT)
    guard = threading.Timer(WHOLE_TIMEOUT, _cut, [plain])
    guard.start()
    try:
        connection.sock = _wrapped(plain, host) if parts.scheme == "https" else plain
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        own = {"Content-Type": "application/json", "User-Agent": USER_AGENT}
        connection.request("POST", target, body, own | headers)
        answer = connection.getresponse()
    finally:
        guard.cancel()
        connection.close()
        plain.close()
    if 200 <= answer.status < 300:
        return f"Answered {answer.status}."
    hint = " Redirects are not followed." if 300 <= answer.status < 400 else ""
    raise Failed(f"Answered {answer.status} {answer.reason[:80]}.{hint}")


def _wrapped(plain: socket.socket, host: str) -> ssl.SSLSocket:
    return ssl.create_default_context().wrap_socket(plain, server_hostname=host)


def _cut(plain: socket.socket) -> None:
    try:
        plain.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
