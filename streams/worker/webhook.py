"""Posting a reply to where the company sends its answers from: signed, with retries, and told apart from a repeat.

Signed as Standard Webhooks 1.0.0 has it (https://www.standardwebhooks.com): HMAC-SHA256 over ``id.timestamp.body``, so
that any of its libraries verifies it. The id is the reply's, and stands as ``Idempotency-Key`` too: a reply that is
posted twice is one reply.
"""

from __future__ import annotations

import base64
import hmac
import random
import ssl
import time
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Literal, NamedTuple, Self, get_args

import httpx
import structlog

from streams.contract.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.contract.service_settings import RepliesSettings

Outcome = Literal["posted", "refused", "failed", "stale"]
"""posted: taken. refused: the receiver says that it is wrong, or has moved. failed: not taken, however often tried.
stale: too old to be posted."""
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

_SECRET_PREFIX = "whsec_"  # noqa: S105  how such a secret begins
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
LONGEST_SECONDS = 120.0
"""No attempt to post a reply begins later than this after the first."""
LONGEST_TIMEOUT_SECONDS = 20.0
"""Most of ``replies.webhook_timeout_seconds``, which is of each step of an attempt."""
STEPS = 5
"""An attempt takes at most so many times as long: to connect, to greet (TLS), to be answered, and twice for the rest of
the answer."""
_WORTH_ANOTHER_TRY = frozenset({408, 409, 425, 429})
_FIRST_SERVER_ERROR = 500

log = structlog.get_logger(__name__)


class Posted(NamedTuple):
    """What became of a post."""

    outcome: Outcome
    attempts: int
    problem: str = ""
    """For people; holds nothing of the reply, and nothing of the address but its host."""


class Webhook:
    """Posts to one address; any thread may. A context manager.

    Args:
        settings: With a ``webhook_url``.
        pause: Waits so many seconds, or less where the process is to end; given in tests.

    Raises:
        SettingsError: ``replies.webhook_url`` is absent or no http or https address, ``replies.webhook_secret`` is no
            such secret, or ``replies.webhook_timeout_seconds`` is longer than a group waits for its consumer.
    """

    def __init__(self, settings: RepliesSettings, pause: Callable[[float], object] = time.sleep) -> None:
        self._url = _address(settings.webhook_url.get_secret_value() if settings.webhook_url else None)
        self._secret = _key(settings.webhook_secret.get_secret_value()) if settings.webhook_secret else None
        self._timeout = _timeout(settings.webhook_timeout_seconds)
        self._attempts = settings.webhook_attempts
        self._pause = pause
        # Replies hold what a customer wrote: they go to the address in the settings, through no proxy that happens to
        # stand in the environment, and to no other address.
        self._client = httpx.Client(
            timeout=self._timeout,
            trust_env=False,
            follow_redirects=False,
            verify=ssl.create_default_context(),
        )

    @property
    def host(self) -> str:
        """Where it posts to. The rest of the address may be a secret."""
        return self._url.host

    def post(self, reply_id: str, body: bytes) -> Posted:
        """Post a reply, again and again where that may help; returns once it is taken or given up.

        Args:
            reply_id: Its id.
            body: The reply as JSON.
        """
        deadline = time.monotonic() + LONGEST_SECONDS
        pause = _FIRST_PAUSE_SECONDS
        attempt = 0
        while True:
            attempt += 1
            problem, asked = "", 0.0
            try:
                answer = self._try(reply_id, body)
            except (httpx.HTTPError, OSError) as error:
                problem = type(error).__name__
            else:
                if answer.is_success:
                    return Posted("posted", attempt)
                problem, asked = f"HTTP {answer.status_code}", _retry_after(answer)
                if answer.status_code < _FIRST_SERVER_ERROR and answer.status_code not in _WORTH_ANOTHER_TRY:
                    return Posted("refused", attempt, problem)
            # Not all at the same moment, where many wait for a receiver that comes back.
            wait = max(asked, pause * random.uniform(0.5, 1.0))  # noqa: S311  no secret
            if attempt >= self._attempts or time.monotonic() + wait > deadline:
                return Posted("failed", attempt, problem)
            self._pause(wait)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def _try(self, reply_id: str, body: bytes) -> httpx.Response:
        """Post once; what was answered, without its body.

        Raises:
            HTTPError, OSError: Nothing was answered.
        """
        with self._client.stream("POST", self._url, content=body, headers=self._headers(reply_id, body)) as answer:
            # What the head of the answer says holds, whatever becomes of its body. That is read so that the connection
            # can serve again, and only so far: one that trickles in would never run into the time-out of a single read.
            until = time.monotonic() + self._timeout
            with suppress(httpx.HTTPError):
                for _ in answer.iter_raw():
                    if time.monotonic() > until:
                        break
        return answer

    def _headers(self, reply_id: str, body: bytes) -> dict[str, str]:
        moment = str(int(time.time()))
        headers = {
            "content-type": "application/json",
            "idempotency-key": reply_id,
            "webhook-id": reply_id,
            "webhook-timestamp": moment,
        }
        if self._secret is not None:
            headers["webhook-signature"] = signature(self._secret, reply_id, moment, body)
        return headers


def signature(secret: bytes, reply_id: str, moment: str, body: bytes) -> str:
    """Value of the header ``webhook-signature``.

    Args:
        secret: The key.
        reply_id: Value of ``webhook-id``.
        moment: Value of ``webhook-timestamp``, seconds since the epoch.
        body: As it is posted.
    """
    signed = b".".join((reply_id.encode(), moment.encode(), body))
    return f"v1,{base64.b64encode(hmac.new(secret, signed, sha256).digest()).decode()}"


def _key(secret: str) -> bytes:
    if not secret.startswith(_SECRET_PREFIX):
        return secret.encode()
    try:
        key = base64.b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True)
    except ValueError:
        raise SettingsError("replies.webhook_secret: what follows whsec_ is not base64") from None
    if not key:  # anybody could sign
        raise SettingsError("replies.webhook_secret: nothing follows whsec_")
    return key


def _address(url: str | None) -> httpx.URL:
    # The value is not told: it may hold a password.
    wrong = "replies.webhook_url is no http or https address: give one such as https://support.example/replies"
    try:
        address = httpx.URL(url or "")
        # As the look-up of a host encodes it, which for some names, such as one of two points in a row, cannot be done.
        address.host.encode("idna")
    except (httpx.InvalidURL, UnicodeError):
        raise SettingsError(wrong) from None
    if address.scheme not in ("http", "https") or not address.host:
        raise SettingsError(wrong)
    return address


def _timeout(seconds: float) -> float:
    if seconds > LONGEST_TIMEOUT_SECONDS:
        raise SettingsError(
            f"replies.webhook_timeout_seconds: {seconds:g} is more than {LONGEST_TIMEOUT_SECONDS:g}: a group of "
            "connectors does not wait for so long a post and all its attempts"
        )
    return seconds


def _retry_after(answer: httpx.Response) -> float:
    """Seconds that the receiver asks for; 0 where it does not, or names a date."""
    asked = answer.headers.get("retry-after", "")
    return float(asked) if asked.isascii() and asked.isdigit() else 0.0
