"""Who may look at the page and act by it: the token, the host by which it was asked for, and where a call comes from.

Against rebinding of names (a foreign page that has its own name resolve to this host) every request must name a host
that is known. Against calls by foreign pages, what changes something must come from the page itself: by its Origin, and
by a key that only it can read. The browser shows that it knows the token by a cookie that no script sees.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING

from streams.contract.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streams.contract.service_settings import DeskSettings

KEY_HEADER = "x-tocsin-key"
"""Header in which the page sends its key with whatever changes something."""

_COOKIE = "tocsin_desk"
_BEARER = "Bearer "
_LEAST_TOKEN = 16
_WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})

# Nothing from anywhere else, no script or style within the page, and nobody may put the page into a frame.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
# A report is shown in a frame of the page: its pictures and styles stand within it, and nothing in it runs.
REPORT_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox; frame-ancestors 'self'"

HEADERS = {
    "Content-Security-Policy": PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
"""Of every answer that says nothing else."""


class RefusedError(Exception):
    """A request is not let in. The message is for the person at the browser."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Guard:
    """Lets requests in.

    Args:
        settings: Of the desk.
        port: On which it listens; browsers keep no cookies apart by port, so its name holds it.

    Raises:
        SettingsError: It is to listen to other hosts and has no token, or its token is too short to be one.
    """

    def __init__(self, settings: DeskSettings, port: int) -> None:
        given = None if settings.token is None else settings.token.get_secret_value()
        if given is None and not is_loopback(settings.host):
            raise SettingsError(
                f"desk.host is {settings.host}, which others can reach: set desk.token (TOCSIN_DESK__TOKEN) to a long "
                "random word, or leave desk.host at 127.0.0.1"
            )
        if given is not None and len(given) < _LEAST_TOKEN:
            raise SettingsError(f"desk.token is too short: give it {_LEAST_TOKEN} characters or more")
        self.token = given or secrets.token_urlsafe(32)
        self.key = self._derived("key")
        """What the page sends with each change."""
        self.cookie = f"{_COOKIE}_{port}"
        self._session = self._derived("session")
        self._hosts = {"127.0.0.1", "localhost", "::1", settings.host.lower(), *map(str.lower, settings.hosts)}

    def check_host(self, headers: Mapping[str, str]) -> None:
        """Let in what asks for this host by a name that it has.

        Raises:
            RefusedError: The name is not known.
        """
        host = host_name(headers.get("host", ""))
        if host not in self._hosts:
            raise RefusedError(
                f"this desk is not known as {host or 'nothing'}: add the name to desk.hosts if it is yours", 421
            )

    def check_session(self, method: str, headers: Mapping[str, str]) -> None:
        """Let in who knows the token: a browser by its cookie, a program by ``Authorization: Bearer``.

        Raises:
            RefusedError: The token is not known, or a change does not come from the page itself.
        """
        self.check_origin(headers)
        bearer = headers.get("authorization", "")
        if bearer.startswith(_BEARER) and _equal(bearer.removeprefix(_BEARER), self.token):
            return
        if not _equal(self._cookie(headers.get("cookie", "")), self._session):
            raise RefusedError("open the address that `tocsin desk` printed when it started: it holds the token", 401)
        if method not in _WRITING:
            return
        if "origin" not in headers:
            raise RefusedError("a change must come from the desk's own page", 403)
        if not _equal(headers.get(KEY_HEADER, ""), self.key):
            raise RefusedError("the page is older than this desk: load it again", 403)

    def check_origin(self, headers: Mapping[str, str]) -> None:
        """Let in what comes from the page itself, or from no page at all.

        Raises:
            RefusedError: It comes from another page.
        """
        origin, host = headers.get("origin"), headers.get("host", "")
        if origin is not None and origin.lower() not in (f"http://{host}".lower(), f"https://{host}".lower()):
            raise RefusedError("calls from other pages are refused", 403)

    def session_for(self, token: str) -> str:
        """The cookie for a browser that knows the token, as a Set-Cookie header's value.

        Raises:
            RefusedError: It is not the token.
        """
        if not _equal(token, self.token):
            raise RefusedError("that is not this desk's token: it is another one after each start", 401)
        return f"{self.cookie}={self._session}; HttpOnly; SameSite=Strict; Path=/"

    def _cookie(self, header: str) -> str:
        try:
            found = SimpleCookie(header).get(self.cookie)
        except CookieError:
            return ""
        return found.value if found is not None else ""

    def _derived(self, purpose: str) -> str:
        return hmac.new(self.token.encode(), purpose.encode(), sha256).hexdigest()


def is_loopback(host: str) -> bool:
    """Whether an address to listen on can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_name(header: str) -> str:
    """The name in a Host header, without its port."""
    header = header.strip().lower()
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0]


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode())
