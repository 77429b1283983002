"""Who may look at the page and act by it: the token, the host by which it was asked for, and where a call comes from.

Against rebinding of names (a foreign page that has its own name resolve to this host) every request must name a host
that is known. Against calls by foreign pages, what changes something must come from the page itself: by its Origin, and
by a key that only it can read. The browser shows that it knows the token by a cookie that no script sees.
"""

from __future__ import annotations

import hmac
import ipaddress
from typing import TYPE_CHECKING, Literal

from streams.contract.settings import SettingsError
from streams.desk.people import people_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streams.contract.service_settings import DeskSettings
    from streams.desk.people import Person

KEY_HEADER = "x-tocsin-key"
"""Header in which the page sends its key with whatever changes something."""

_COOKIE = "tocsin_desk"
_BEARER = "Bearer "
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
        SettingsError: It is to listen to other hosts and has no token, or a token cannot be one.
    """

    def __init__(self, settings: DeskSettings, port: int) -> None:
        if settings.token is None and not settings.tokens and not is_loopback(settings.host):
            raise SettingsError(
                f"desk.host is {settings.host}, which others can reach: set desk.token (TOCSIN_DESK__TOKEN) to a long "
                "random word, or desk.tokens to one for each person, or leave desk.host at 127.0.0.1"
            )
        self.people = people_of(settings)
        self.cookie = f"{_COOKIE}_{port}"
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

    @property
    def shared(self) -> Person | None:
        """Whoever has the token that names nobody; None where each person has one."""
        return next((person for person in self.people if person.name is None), None)

    def check_session(self, method: str, headers: Mapping[str, str]) -> Person:
        """Let in who knows a token: a browser by its cookie, a program by ``Authorization: Bearer``.

        Returns:
            Who it is.

        Raises:
            RefusedError: The token is not known or may only look, or a change does not come from the page itself.
        """
        self.check_origin(headers)
        bearer = headers.get("authorization", "")
        person = self._who(bearer.removeprefix(_BEARER), "token") if bearer.startswith(_BEARER) else None
        is_program = person is not None
        if person is None:
            person = self._with_cookie(headers.get("cookie", ""))
        if person is None:
            raise RefusedError("open the address that `tocsin desk` printed when it started: it holds the token", 401)
        if method not in _WRITING:
            return person
        if person.read_only:
            raise RefusedError(f"{person.name} may look and change nothing (desk.read_only)", 403)
        if not is_program and "origin" not in headers:
            raise RefusedError("a change must come from the desk's own page", 403)
        if not is_program and not _equal(headers.get(KEY_HEADER, ""), person.key):
            raise RefusedError("the page is older than this desk: load it again", 403)
        return person

    def check_origin(self, headers: Mapping[str, str]) -> None:
        """Let in what comes from the page itself, or from no page at all.

        Raises:
            RefusedError: It comes from another page.
        """
        origin, host = headers.get("origin"), headers.get("host", "")
        if origin is not None and origin.lower() not in (f"http://{host}".lower(), f"https://{host}".lower()):
            raise RefusedError("calls from other pages are refused", 403)

    def person_with(self, token: str) -> Person:
        """Who has a token.

        Raises:
            RefusedError: Nobody has it.
        """
        person = self._who(token, "token")
        if person is None:
            raise RefusedError("that is not this desk's token: it is another one after each start", 401)
        return person

    def cookie_of(self, person: Person) -> str:
        """The cookie for a person's browser, as a Set-Cookie header's value."""
        return f"{self.cookie}={person.session}; HttpOnly; SameSite=Strict; Path=/"

    def _who(self, given: str, by: Literal["token", "session"]) -> Person | None:
        # All of them are looked at, so that the time that it takes tells nothing.
        known = [person for person in self.people if _equal(given, getattr(person, by))]
        return known[0] if known else None

    def _with_cookie(self, header: str) -> Person | None:
        # A browser sends along what every other server of this host has set, on any port: well formed or not, and be it
        # of the same name.
        pairs = (pair.partition("=") for pair in header.split(";"))
        found = [self._who(value.strip(), "session") for name, _, value in pairs if name.strip() == self.cookie]
        return next((person for person in found if person is not None), None)


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
