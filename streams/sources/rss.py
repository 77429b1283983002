"""RSS and Atom feeds: polled politely, each entry one message, once.

A poll is conditional (RFC 9110: ETag, Last-Modified), a server's Retry-After is respected, errors back off, and an
entry counts as seen only when the broker has acknowledged its message.
"""

from __future__ import annotations

import calendar
import io
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import feedparser
import httpx

from streams.sources.items import Item, Outgoing, Skipped, SourceError, from_fields, stable_id
from streams.sources.plain_text import strip_html
from streams.sources.seen import FeedMemory, load_memory, save_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

_MAX_BYTES = 16 * 1024 * 1024
_TIMEOUT_SECONDS = 20.0
_LONGEST_BACK_OFF_SECONDS = 3600.0
USUAL_LAG_SECONDS = 60.0
"""So long after its own time an entry usually shows in its feed: feeds are made anew, and cached, so often."""
_LONGEST_RETRY_AFTER_SECONDS = 86_400.0
# A character's reference; of runs of them, since two may be the halves of one character.
_REFERENCES = re.compile(rb"(?:&#(?:[xX][0-9a-fA-F]{4}|[0-9]{5});)+")
_REFERENCE = re.compile(rb"&#([xX]?)(\w+);")
_HEADERS = {
    "User-Agent": "tocsin (feed reader)",
    "Accept": "application/rss+xml, application/atom+xml, application/xml;q=0.9, */*;q=0.5",
}


class FeedGoneError(SourceError):
    """The server says that the feed is no more (410)."""


@dataclass(frozen=True, slots=True)
class Poll:
    """What one request to a feed brought."""

    items: tuple[Item, ...] = ()
    """Entries that were not seen before, oldest first."""
    in_feed: int = 0
    """Entries that the feed holds."""
    etag: str | None = None
    last_modified: str | None = None
    unchanged: bool = False
    problem: str | None = None
    """Why there is nothing: an error that may pass."""
    retry_after: float | None = None
    """Seconds for which the server asks to be left alone."""


class Delivered(Protocol):
    """Asks for what the broker has acknowledged."""

    def __call__(self) -> frozenset[str]:
        """Wait until nothing is in flight; keys of the records acknowledged since the last call."""


@dataclass(slots=True)
class RssFeed:
    """One feed and its memory."""

    url: str
    client: httpx.Client
    memory_dir: Path
    source: str | None = None
    """Source of the messages; the feed's title where absent, else its host."""
    memory: FeedMemory = field(init=False)

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
        except ValueError:
            # Not told which, as in ``name``: nobody can say here what in it may be secret.
            raise SourceError("the feed's address is none: it is http:// or https://, a host, and a path") from None
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise SourceError(f"{self.name}: a feed's address starts with http:// or https://")
        try:
            self.memory = load_memory(self.memory_file)
        except OSError as error:
            raise SourceError(
                f"{self.memory_file}: what was seen of {self.name} cannot be read ({error.strerror}): mend it, or give "
                "another --memory-dir"
            ) from error

    @property
    def name(self) -> str:
        """The address for people, without what may be secret in it: neither user, password nor query."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"

    @property
    def memory_file(self) -> Path:
        """Where is kept what was seen."""
        return self.memory_dir / f"{stable_id(self.url)}.json"

    def poll(self) -> Poll:
        """Ask once for what is new.

        Raises:
            FeedGoneError: The server says that the feed is no more.
        """
        validators = {"If-None-Match": self.memory.etag, "If-Modified-Since": self.memory.last_modified}
        # A server may send other letters than it may be sent: with those, all is asked for.
        asked = {name: value for name, value in validators.items() if value and value.isascii()}
        try:
            with self.client.stream("GET", self.url, headers=asked) as response:
                return self._read(response)
        # The last is a host's name that no resolver can be asked for.
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            return Poll(problem=f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)

    def remember(self, poll: Poll, acknowledged: frozenset[str]) -> None:
        """Note what was delivered. Only when all was, the next poll may be answered with "not modified".

        Args:
            poll: As it was made.
            acknowledged: Keys of the records that the broker has.

        Raises:
            OSError: It is known to this process alone, since ``memory_file`` cannot be written.
        """
        if poll.problem or poll.unchanged:
            return
        keys = [item.key for item in poll.items if isinstance(item, Outgoing)]
        self.memory.add([key for key in keys if key in acknowledged], in_feed=poll.in_feed)
        if acknowledged.issuperset(keys):
            self.memory.etag, self.memory.last_modified = poll.etag, poll.last_modified
        save_memory(self.memory_file, self.memory)

    def _read(self, response: httpx.Response) -> Poll:
        retry_after = _retry_after(response.headers.get("Retry-After"), datetime.now(UTC))
        if response.status_code == httpx.codes.NOT_MODIFIED:
            return Poll(unchanged=True, retry_after=retry_after)
        if response.status_code == httpx.codes.GONE:
            raise FeedGoneError(f"{self.name}: the server says that this feed is gone for good (410)")
        if response.status_code != httpx.codes.OK:
            return Poll(problem=f"answered {response.status_code} {response.reason_phrase}", retry_after=retry_after)
        content = bytearray()
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > _MAX_BYTES:
                return Poll(problem=f"more than {_MAX_BYTES} bytes: not read")
        try:
            # As a stream: a string or bytes might be taken for the name of a local file.
            parsed = feedparser.parse(
                io.BytesIO(_REFERENCES.sub(_whole_characters, bytes(content))),
                response_headers=_parser_headers(response),
            )
            items = tuple(self._new_items(parsed))
        except Exception as error:  # noqa: BLE001  feedparser raises many a thing, and what is asked next may be well
            return Poll(problem=f"cannot be read ({type(error).__name__})")
        if not parsed.get("version"):
            return Poll(problem="neither RSS nor Atom")
        return Poll(
            items,
            len(parsed.entries),
            response.headers.get("ETag"),
            response.headers.get("Last-Modified"),
            retry_after=retry_after,
        )

    def _new_items(self, parsed: Any) -> Iterator[Item]:  # noqa: ANN401  feedparser has no types
        source = self.source or strip_html(parsed.feed.get("title") or "") or urlsplit(self.url).hostname or ""
        language = parsed.feed.get("language")
        seen = set(self.memory.seen)
        dated = [(_entry_time(entry), entry) for entry in parsed.entries]
        # Feeds list the newest first; entries without a time keep that order, behind the others.
        latest = datetime.max.replace(tzinfo=UTC)
        dated.reverse()
        dated.sort(key=lambda pair: pair[0] or latest)
        for time, entry in dated:
            text = _entry_text(entry)
            key = stable_id(self.url, entry.get("id") or entry.get("link") or text)
            if key in seen:
                continue
            seen.add(key)
            yield _entry_item(entry, key, text, time, source=source, language=language)


def _entry_item(
    entry: Any,  # noqa: ANN401  feedparser has no types
    key: str,
    text: str,
    time: datetime | None,
    *,
    source: str,
    language: str | None,
) -> Item:
    place = f"entry {key[:8]}"
    if not text:
        return Skipped(place, "blank")
    link = entry.get("link") or ""
    tags = entry.get("tags") or [{}]
    optional = {
        "url": link if link.startswith(("http://", "https://")) else None,
        "author": entry.get("author"),
        "channel": tags[0].get("term"),
        "language": language,
    }
    fields = {"id": key, "text": text, "source": source} | {name: value for name, value in optional.items() if value}
    return from_fields(place, fields if time is None else {**fields, "time": time}, time=time)


def follow(
    feed: RssFeed,
    *,
    interval: float,
    delivered: Delivered,
    wait: Callable[[float], None],
    tell: Callable[[str], None],
    once: bool = False,
) -> Generator[Item, None, None]:
    """New entries of a feed, poll after poll, until closed.

    Args:
        feed: To be polled.
        interval: Seconds between polls; errors double it, up to an hour.
        delivered: Asks for what the broker has acknowledged; entries that it has not come again.
        wait: Sleeps so many seconds.
        tell: Takes a line for people after each poll.
        once: Poll once only.

    Raises:
        FeedGoneError: The feed is no more.
        SourceError: Asked once, the feed gave an error, or what was seen cannot be kept.
    """
    errors = 0
    while True:
        poll = feed.poll()
        try:
            yield from poll.items
        finally:
            not_kept = _remember(feed, poll, delivered() if poll.items else frozenset())
        errors = errors + 1 if poll.problem else 0
        if once:
            if problem := poll.problem or not_kept:
                raise SourceError(f"{feed.name}: {problem}")
            return
        delay = next_delay(interval, errors, poll.retry_after)
        told = [poll.problem or f"{len(poll.items)} new", *([not_kept] if not_kept else [])]
        tell(f"{feed.name}: {'; '.join(told)}; again in {delay:.0f} s")
        wait(delay)


def _remember(feed: RssFeed, poll: Poll, acknowledged: frozenset[str]) -> str | None:
    """Note what was delivered; why the next process will not know of it, where it will not."""
    try:
        feed.remember(poll, acknowledged)
    except OSError as error:
        return (
            f"what was seen cannot be kept in {feed.memory_file} ({error.strerror}), and comes again after a restart, "
            "with the same ids"
        )
    return None


def next_delay(interval: float, errors: int, retry_after: float | None) -> float:
    """Seconds until the next poll: the interval, doubled for each error in a row, and no less than the server asks.

    Args:
        interval: Seconds between polls while all is well.
        errors: Errors in a row.
        retry_after: Seconds for which the server asked to be left alone; more than a day is taken for a day.
    """
    backed_off = max(interval, min(interval * 2.0 ** min(errors, 30), _LONGEST_BACK_OFF_SECONDS))
    return max(backed_off, min(retry_after or 0.0, _LONGEST_RETRY_AFTER_SECONDS))


def http_client() -> httpx.Client:
    """A client for feeds: bounded in time, follows redirects, and speaks http and https alone."""
    return httpx.Client(headers=_HEADERS, timeout=_TIMEOUT_SECONDS, follow_redirects=True)


def _entry_text(entry: Any) -> str:  # noqa: ANN401  feedparser has no types
    title = strip_html(entry.get("title") or "")
    summary = strip_html(entry.get("summary") or "")
    return "\n".join(dict.fromkeys(part for part in (title, summary) if part))


def _entry_time(entry: Any) -> datetime | None:  # noqa: ANN401  feedparser has no types
    parsed = entry.get("published_parsed") or entry.get("updated_parsed")
    if not parsed:
        return None
    try:
        return datetime.fromtimestamp(calendar.timegm(parsed), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _whole_characters(references: re.Match[bytes]) -> bytes:
    """References as XML has them: of the two halves of a character, as which some servers write emoji, the whole.

    No text holds a half alone: it is told as one that cannot be read (U+FFFD).
    """
    halves = (chr(int(number, 16 if is_hex else 10)) for is_hex, number in _REFERENCE.findall(references[0]))
    text = "".join(halves).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return "".join(f"&#{ord(character)};" for character in text).encode()


def _parser_headers(response: httpx.Response) -> dict[str, str]:
    # The address resolves relative links; the type may name the encoding. The content is decompressed already.
    return {
        "content-location": str(response.url),
        "content-type": response.headers.get("Content-Type", "application/xml"),
    }


def _retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds that a Retry-After header asks for: a number of them, or a date (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now.timestamp())
