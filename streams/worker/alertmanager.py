"""Alerts pushed to an Alertmanager (API v2), whose routing, Slack and e-mail then serve.

Nobody waits for it: the stream tells of an alert and goes on, and a task of its own tells Alertmanager what fires,
again and again. An Alertmanager that is away costs retries, and neither memory nor time of the stream.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, get_args

import httpx
import msgspec
import structlog

from streams.contract.masking import mask
from streams.contract.settings import SettingsError
from streams.logic.pushing import Outbox, Posting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from streams.contract.alerts import Alert, TellingMessage
    from streams.contract.settings import AlertmanagerSettings

Outcome = Literal["ok", "failed", "refused", "dropped"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

_PATH = "/api/v2/alerts"
_TOLD_ANNOTATIONS = ("summary", "description")
_EVIDENCE_CHARS = 200
# As many as Prometheus sends in one request.
_BATCH = 64
# How soon what falls due by time alone, such as the end of a silence, is seen.
_TICK_SECONDS = 0.5
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
_ANSWER_CHARS = 300
# An alert is wrong, or there are too many in one request. All else is no fault of the alerts.
_WRONG_CONTENT = (httpx.codes.BAD_REQUEST, httpx.codes.REQUEST_ENTITY_TOO_LARGE, httpx.codes.UNPROCESSABLE_ENTITY)

log = structlog.get_logger(__name__)


class AlertmanagerPusher:
    """Keeps an Alertmanager told of what fires. Belongs to one event loop.

    Args:
        settings: With a ``url``.
        is_silenced: Whether an alert of these labels is muted at this moment; called in the event loop.
        on_push: Told the outcome of each push: ``ok``; ``failed``, to be tried again; ``refused``, where Alertmanager
            found an alert wrong; ``dropped``, where there was no room for an alert.

    Raises:
        SettingsError: ``alertmanager.url`` is no http or https address.
    """

    def __init__(
        self,
        settings: AlertmanagerSettings,
        *,
        is_silenced: Callable[[Mapping[str, str]], bool],
        on_push: Callable[[Outcome], None] = lambda _: None,
    ) -> None:
        self._url = _api_url(settings.url)
        # Without user and password, which the address may hold.
        self._place = self._url.copy_with(userinfo=b"")
        self._timeout = settings.timeout_seconds
        self._longest_pause = min(_LONGEST_PAUSE_SECONDS, settings.resend_seconds)
        self._outbox = Outbox(settings.resend_seconds, is_silenced)
        self._on_push = on_push
        self._client: httpx.AsyncClient | None = None
        self._pushing: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._is_away = False

    def start(self) -> None:
        """Begin to push; needs a running event loop."""
        # Alerts hold what people wrote: they go to the address in the settings, and through no proxy that happens to
        # stand in the environment.
        self._client = httpx.AsyncClient(timeout=None, trust_env=False, verify=ssl.create_default_context())  # noqa: S113  each push has one
        self._pushing = asyncio.create_task(self._run(), name="alertmanager")

    async def stop(self) -> None:
        """Push what is due once more, within the time of one push, and end. What fires goes on with another worker."""
        if self._pushing is None or self._client is None:
            return
        self._pushing.cancel()
        with suppress(asyncio.CancelledError):
            await self._pushing
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timeout):
                await self._push_due()
        await self._client.aclose()
        self._pushing = self._client = None

    def tell(self, alert: Alert) -> None:
        """Take in an alert's change, and return at once."""
        if not self._outbox.tell(alert, time.time()):
            self._on_push("dropped")
            log.error("too many alerts fire: one is not pushed", alert=alert.id, held=len(self._outbox))
        self._wake.set()

    def restore(self, alerts: Iterable[Alert]) -> None:
        """Go on with alerts that fire in a partition that this worker was given."""
        self._outbox.restore(alerts)
        self._wake.set()

    def release(self, alerts: Iterable[Alert]) -> None:
        """Forget alerts that fire in a partition that was taken away; its next worker goes on with them."""
        self._outbox.release(alert.fingerprint for alert in alerts)

    async def _run(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            if await self._push_due():
                pause = _FIRST_PAUSE_SECONDS
                with suppress(TimeoutError):
                    async with asyncio.timeout(_TICK_SECONDS):
                        await self._wake.wait()
                self._wake.clear()
            else:
                await asyncio.sleep(pause)
                pause = min(pause * 2, self._longest_pause)

    async def _push_due(self) -> bool:
        """Push what is due; whether Alertmanager answered."""
        try:
            due = self._outbox.take_due(time.time())
            for start in range(0, len(due), _BATCH):
                if not await self._push(due[start : start + _BATCH]):
                    return False
        except Exception as error:  # a task that ends unseen would leave the desk without alerts
            log.exception("alerts cannot be pushed: trying on", error=repr(error))
            self._on_push("failed")
            return False
        return True

    async def _push(self, postings: Sequence[Posting]) -> bool:
        try:
            answer = await self._post(postings)
        except (httpx.HTTPError, OSError) as error:
            self._tell_failure(f"{type(error).__name__} {error}".strip())
            return False
        if not answer.is_success and answer.status_code not in _WRONG_CONTENT:
            self._tell_failure(f"HTTP {answer.status_code}")
            return False
        if self._is_away:
            self._is_away = False
            log.info("alertmanager answers again", url=str(self._place))
        if not answer.is_success and len(postings) > 1:
            # One wrong alert has its whole request refused: each is pushed alone, so that the others are heard.
            return all([await self._push([posting]) for posting in postings])
        self._outbox.told(postings, time.time())  # what is refused comes no sooner again than any other
        if answer.is_success:
            self._on_push("ok")
        else:
            self._tell_refusal(postings[0], answer)
        return True

    async def _post(self, postings: Sequence[Posting]) -> httpx.Response:
        if self._client is None:
            raise RuntimeError("AlertmanagerPusher.start() has not been called")
        body = msgspec.json.encode([_payload(posting) for posting in postings])
        async with asyncio.timeout(self._timeout):
            return await self._client.post(self._url, content=body, headers={"content-type": "application/json"})

    def _tell_refusal(self, posting: Posting, answer: httpx.Response) -> None:
        self._on_push("refused")
        log.error(
            "alertmanager refuses an alert",
            url=str(self._place),
            alert=posting.alert.id,
            status=answer.status_code,
            answer=answer.text[:_ANSWER_CHARS],
        )

    def _tell_failure(self, problem: str) -> None:
        self._on_push("failed")
        if not self._is_away:
            log.warning("alertmanager cannot be told: trying on", url=str(self._place), problem=problem)
        self._is_away = True


def _api_url(url: str | None) -> httpx.URL:
    address = _http_url(url or "")
    if address is None:
        # The value is not told: it may hold a password.
        raise SettingsError("alertmanager.url is no http or https address: give one such as http://127.0.0.1:9093")
    return address.copy_with(path=address.path.rstrip("/") + _PATH)


def _http_url(text: str) -> httpx.URL | None:
    try:
        url = httpx.URL(text)
        # As the look-up of a host encodes it, which for some names, such as one of two points in a row, cannot be done.
        url.host.encode("idna")
    except (httpx.InvalidURL, UnicodeError):
        return None
    # A host that must be escaped is one to httpx, and none to Alertmanager.
    return url if url.scheme in ("http", "https") and url.host and "%" not in url.host else None


def _payload(posting: Posting) -> dict[str, object]:
    alert = posting.alert
    payload: dict[str, object] = {
        "labels": posting.labels,
        "annotations": _annotations(alert),
        "startsAt": alert.startsAt,
        "endsAt": posting.ends_at,
    }
    # Alertmanager refuses what is no address.
    if (url := _http_url(alert.generatorURL)) is not None:
        payload["generatorURL"] = str(url)
    return payload


def _annotations(alert: Alert) -> dict[str, str]:
    """What people read of an alert; the most telling messages are among the evidence without personal data."""
    told = {name: alert.annotations[name] for name in _TOLD_ANNOTATIONS if name in alert.annotations}
    if alert.evidence.messages:
        told["evidence"] = "\n".join(map(_evidence_line, alert.evidence.messages))
    return {name: mask(text, handles=True) for name, text in told.items()}


def _evidence_line(message: TellingMessage) -> str:
    text = " ".join(message.text.split())
    text = text if len(text) <= _EVIDENCE_CHARS else f"{text[:_EVIDENCE_CHARS]}…"
    copies = f", {message.copies} copies" if message.copies > 1 else ""
    return f"{message.source} ({message.sentiment} {message.score:.2f}{copies}): {text}"
