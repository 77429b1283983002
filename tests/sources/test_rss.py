from __future__ import annotations

import errno
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest

from streams.sources.items import Item, Outgoing, Skipped, SourceError
from streams.sources.rss import FeedGoneError, RssFeed, _retry_after, follow, next_delay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RSS = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0"><channel><title>The &lt;b&gt;Daily&lt;/b&gt; Quay</title><language>en-gb</language>
{items}</channel></rss>"""
ENTRY = """<item><title>{title}</title><description>{summary}</description><guid>{guid}</guid>
<link>https://quay.example/{guid}</link><category>shipping</category><author>desk@quay.example (A Hand)</author>
<pubDate>{date}</pubDate></item>"""
ATOM = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Harbour Wire</title>
<entry><id>urn:1</id><title>Ferry firm halts sailings</title><link href="https://wire.example/1"/>
<updated>2026-03-02T10:00:00+02:00</updated>
<summary type="html">&lt;p&gt;All crews are safe.&lt;/p&gt;</summary></entry>
</feed>"""


def _entry(guid: str, title: str = "Rates held", summary: str = "", hour: int = 8) -> str:
    return ENTRY.format(guid=guid, title=title, summary=summary, date=f"Mon, 02 Mar 2026 {hour:02}:00:00 GMT")


def _rss(*entries: str) -> bytes:
    return RSS.format(items="".join(entries)).encode()


@dataclass
class Answer:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class Server:
    """Gives the answers that it is told to, the last one again and again, and keeps the headers of requests."""

    def __init__(self) -> None:
        self.answers: deque[Answer] = deque()
        self.asked: list[dict[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(dict(self.headers))
                answer = outer.answers.popleft() if len(outer.answers) > 1 else outer.answers[0]
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/feed.xml"


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.http.shutdown()
    thread.join()
    server.http.server_close()


@pytest.fixture
def open_feed(server: Server, tmp_path: Path) -> Iterator[Callable[[], RssFeed]]:
    with httpx.Client(trust_env=False, follow_redirects=True, timeout=5) as client:
        yield lambda: RssFeed(server.url, client, tmp_path)


def _fields(item: Item) -> dict[str, Any]:
    assert isinstance(item, Outgoing)
    return msgspec.json.decode(item.value, type=dict[str, Any])


def _keys(items: tuple[Item, ...]) -> frozenset[str]:
    return frozenset(item.key for item in items if isinstance(item, Outgoing))


def test_an_rss_entry_is_a_message(server: Server, open_feed: Callable[[], RssFeed]) -> None:
    server.answers.append(
        Answer(_rss(_entry("g1", "Rates &amp;amp; pound", "&lt;p&gt;Held at &lt;b&gt;4%&lt;/b&gt;&lt;/p&gt;")))
    )
    (item,) = open_feed().poll().items
    fields = _fields(item)
    assert isinstance(item, Outgoing)
    assert fields.pop("id") == item.key
    assert len(fields.pop("fingerprint")) == 16
    assert "desk@quay.example" in fields.pop("author")
    assert fields == {
        "text": "Rates & pound\nHeld at 4%",
        "source": "The Daily Quay",
        "time": "2026-03-02T08:00:00Z",
        "url": "https://quay.example/g1",
        "channel": "shipping",
        "language": "en-gb",
    }


def test_an_atom_entry_is_a_message(server: Server, open_feed: Callable[[], RssFeed]) -> None:
    server.answers.append(Answer(ATOM.encode()))
    (item,) = open_feed().poll().items
    fields = _fields(item)
    assert (fields["text"], fields["time"]) == (
        "Ferry firm halts sailings\nAll crews are safe.",
        "2026-03-02T08:00:00Z",
    )


def test_one_story_in_two_feeds_has_one_fingerprint_and_two_ids(
    server: Server, open_feed: Callable[[], RssFeed]
) -> None:
    copy = _rss(_entry("other-guid", "FERRY FIRM HALTS SAILINGS", "All crews are safe!"))
    server.answers += [Answer(ATOM.encode()), Answer(copy)]
    first, second = (open_feed().poll().items[0] for _ in range(2))
    assert _fields(first)["fingerprint"] == _fields(second)["fingerprint"]
    assert _fields(first)["id"] != _fields(second)["id"]


def test_oldest_first_each_once_and_empty_ones_told(server: Server, open_feed: Callable[[], RssFeed]) -> None:
    entries = [_entry("new", "Newest", hour=12), _entry("empty", ""), _entry("old", "Oldest"), _entry("old", "Oldest")]
    server.answers.append(Answer(_rss(*entries)))
    items = open_feed().poll().items
    texts = [_fields(item)["text"] for item in items if isinstance(item, Outgoing)]
    assert texts == ["Oldest", "Newest"]
    assert [item.reason for item in items if isinstance(item, Skipped)] == ["blank"]


def test_a_later_poll_is_conditional_and_brings_only_what_is_new(
    server: Server, open_feed: Callable[[], RssFeed]
) -> None:
    stamps = {"ETag": '"v1"', "Last-Modified": "Mon, 02 Mar 2026 08:00:00 GMT"}
    server.answers += [
        Answer(_rss(_entry("a", "One")), headers=stamps),
        Answer(status=304),
        Answer(_rss(_entry("b", "Two"), _entry("a", "One"))),
    ]
    feed = open_feed()
    first = feed.poll()
    feed.remember(first, _keys(first.items))
    feed = open_feed()  # a later run
    unchanged = feed.poll()
    feed.remember(unchanged, frozenset())
    third = feed.poll()
    assert (unchanged.unchanged, unchanged.items) == (True, ())
    assert [_fields(item)["text"] for item in third.items] == ["Two"]
    assert "If-None-Match" not in server.asked[0]
    for asked in server.asked[1:]:
        assert (asked["If-None-Match"], asked["If-Modified-Since"]) == ('"v1"', stamps["Last-Modified"])


@pytest.mark.parametrize("name", ["ETag", "Last-Modified"])
def test_what_may_not_stand_in_a_request_is_not_asked_with(
    server: Server, open_feed: Callable[[], RssFeed], name: str
) -> None:
    server.answers.append(Answer(_rss(_entry("a", "One")), headers={name: '"prägung-1"'}))
    feed = open_feed()
    feed.remember(first := feed.poll(), _keys(first.items))
    again = open_feed().poll()  # as the next process does
    assert (again.problem, again.items, again.in_feed) == (None, (), 1)
    assert not {"If-None-Match", "If-Modified-Since"} & server.asked[1].keys()


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Ferries run &#55357;&#56842; again", "Ferries run 😊 again"),
        ("Ferries run &#xD83D;&#xDE0A; again", "Ferries run 😊 again"),
        ("Ferries run &#xD83D; again", "Ferries run \ufffd again"),
        ("Ferries &#00060;b&#00062;run&#00060;/b&#00062; &#128522;", "Ferries run 😊"),
        ("Ferries run &lt;![1 again", "Ferries run <![1 again"),
        ("Ferries run<![CDATA[ <![all] of them]> ]]>again", "Ferries run again"),
    ],
)
def test_an_entry_that_is_written_badly_is_read_all_the_same(
    server: Server, open_feed: Callable[[], RssFeed], title: str, text: str
) -> None:
    server.answers.append(Answer(_rss(_entry("a", title), _entry("b", "Two", hour=9))))
    poll = open_feed().poll()
    assert poll.problem is None
    assert [_fields(item)["text"] for item in poll.items] == [text, "Two"]


def test_what_the_broker_did_not_acknowledge_comes_again(server: Server, open_feed: Callable[[], RssFeed]) -> None:
    server.answers.append(Answer(_rss(_entry("a", "One"), _entry("b", "Two", hour=9)), headers={"ETag": '"v1"'}))
    feed = open_feed()
    poll = feed.poll()
    feed.remember(poll, _keys(poll.items[:1]))
    again = open_feed().poll()
    assert [_fields(item)["text"] for item in again.items] == ["Two"]
    assert "If-None-Match" not in server.asked[1], "a 304 would hide what is still to be sent"


@pytest.mark.parametrize(
    ("answer", "problem", "retry_after"),
    [
        (Answer(status=500), "answered 500", None),
        (Answer(status=404), "answered 404", None),
        (Answer(status=429, headers={"Retry-After": "120"}), "answered 429", 120.0),
        (Answer(b"<html><body>Please log in</body></html>"), "neither RSS nor Atom", None),
        (Answer(b"/etc/hostname"), "neither RSS nor Atom", None),
        (Answer(b""), "neither RSS nor Atom", None),
        (Answer(_rss(_entry("a")), headers={"Content-Type": "text/xml; charset=punycode"}), "cannot be read", None),
    ],
)
def test_errors_are_told_and_nothing_is_forgotten(
    server: Server, open_feed: Callable[[], RssFeed], answer: Answer, problem: str, retry_after: float | None
) -> None:
    server.answers += [Answer(_rss(_entry("a", "One"))), answer]
    feed = open_feed()
    first = feed.poll()
    feed.remember(first, _keys(first.items))
    failed = feed.poll()
    feed.remember(failed, frozenset())
    assert failed.problem is not None
    assert problem in failed.problem
    assert failed.retry_after == retry_after
    assert open_feed().memory.seen == sorted(_keys(first.items))


def test_a_server_that_is_not_there_is_a_problem_that_may_pass(
    server: Server, open_feed: Callable[[], RssFeed]
) -> None:
    feed = open_feed()
    feed.url = "http://127.0.0.1:1/feed.xml"
    poll = feed.poll()
    assert poll.problem is not None
    assert "ConnectError" in poll.problem


@pytest.mark.parametrize("host", ["quay..example", "q" * 64 + ".example"])
def test_a_host_that_no_resolver_is_asked_for_is_a_problem(open_feed: Callable[[], RssFeed], host: str) -> None:
    feed = open_feed()
    feed.url = f"http://{host}/feed.xml"
    assert "label empty or too long" in (feed.poll().problem or "")


def test_a_body_without_end_is_not_read(
    server: Server, open_feed: Callable[[], RssFeed], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.sources.rss._MAX_BYTES", 1000)
    server.answers.append(Answer(_rss(*[_entry(str(number)) for number in range(100)])))
    assert "more than 1000 bytes" in (open_feed().poll().problem or "")


def test_a_redirect_to_a_file_is_refused(server: Server, open_feed: Callable[[], RssFeed]) -> None:
    server.answers.append(Answer(status=302, headers={"Location": "file:///etc/hostname"}))
    assert open_feed().poll().problem


def test_a_feed_that_is_gone_ends(server: Server, open_feed: Callable[[], RssFeed]) -> None:
    server.answers.append(Answer(status=410))
    with pytest.raises(FeedGoneError, match="gone for good"):
        open_feed().poll()


@pytest.mark.parametrize("url", ["ftp://quay.example/feed", "file:///etc/passwd", "http://", "quay.example"])
def test_only_http_addresses_are_taken(url: str, tmp_path: Path) -> None:
    with httpx.Client() as client, pytest.raises(SourceError, match="http:// or https://"):
        RssFeed(url, client, tmp_path)


def test_an_address_that_is_none_is_told_without_what_may_be_secret(tmp_path: Path) -> None:
    with httpx.Client() as client, pytest.raises(SourceError, match="address is none") as caught:
        RssFeed("https://user:pass@[quay/feed?token=abc", client, tmp_path)
    assert "pass" not in str(caught.value)


def test_a_memory_that_cannot_be_read_names_its_file(server: Server, tmp_path: Path) -> None:
    (taken := tmp_path / "feeds").write_text("a file, and no folder")
    with httpx.Client() as client, pytest.raises(SourceError, match=f"{taken}.*--memory-dir"):
        RssFeed(server.url, client, taken)


def test_secrets_in_an_address_are_not_shown(tmp_path: Path) -> None:
    with httpx.Client() as client:
        feed = RssFeed("https://user:pass@quay.example/feed?token=abc", client, tmp_path)
    assert feed.name == "https://quay.example/feed"


class Stopped(Exception):  # noqa: N818  it is no error
    """Raised by the wait that is one too many."""


def _run(feed: RssFeed, polls: int, acknowledge: bool = True) -> tuple[list[Item], list[float], list[str]]:
    """Follow a feed for so many polls; items, waits between them and lines told."""
    taken: list[Item] = []
    handed_over: set[str] = set()
    waits: list[float] = []
    told: list[str] = []

    def delivered() -> frozenset[str]:
        keys = frozenset(handed_over) if acknowledge else frozenset()
        handed_over.clear()
        return keys

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == polls:
            raise Stopped

    items = follow(feed, interval=60, delivered=delivered, wait=wait, tell=told.append)
    with suppress(Stopped):
        for item in items:
            taken.append(item)
            handed_over.update(_keys((item,)))
    return taken, waits, told


def test_polls_back_off_on_errors_and_recover(server: Server, open_feed: Callable[[], RssFeed]) -> None:
    server.answers += [
        Answer(status=500),
        Answer(status=502),
        Answer(status=503, headers={"Retry-After": "1000"}),
        Answer(_rss(_entry("a", "One"))),
        Answer(_rss(_entry("a", "One"))),
    ]
    items, waits, told = _run(open_feed(), 5)
    assert waits == [120, 240, 1000, 60, 60]
    assert [_fields(item)["text"] for item in items] == ["One"]
    assert "answered 500" in told[0]
    assert "1 new" in told[3]


def test_entries_that_never_arrive_come_at_every_poll(server: Server, open_feed: Callable[[], RssFeed]) -> None:
    server.answers.append(Answer(_rss(_entry("a", "One"))))
    items, _, _ = _run(open_feed(), 3, acknowledge=False)
    assert len(items) == 3


def test_a_memory_that_cannot_be_written_is_told_and_does_not_end_the_feed(
    server: Server, open_feed: Callable[[], RssFeed], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("streams.sources.rss.save_memory", full)
    server.answers.append(Answer(_rss(_entry("a", "One"))))
    feed = open_feed()
    items, waits, told = _run(feed, 3)
    assert (len(items), waits) == (1, [60, 60, 60])
    assert f"1 new; what was seen cannot be kept in {feed.memory_file} (No space left on device)" in told[0]
    feed = open_feed()
    with pytest.raises(SourceError, match="No space left on device"):
        list(follow(feed, interval=60, delivered=frozenset, wait=lambda _: None, tell=lambda _: None, once=True))


def test_stopping_in_mid_poll_remembers_what_arrived(server: Server, open_feed: Callable[[], RssFeed]) -> None:
    server.answers.append(Answer(_rss(_entry("b", "Two", hour=9), _entry("a", "One"))))
    sent: list[str] = []
    items = follow(
        open_feed(), interval=60, delivered=lambda: frozenset(sent), wait=lambda _: None, tell=lambda _: None
    )
    first = next(items)
    assert isinstance(first, Outgoing)
    sent.append(first.key)
    items.close()
    assert [_fields(item)["text"] for item in open_feed().poll().items] == ["Two"]


def test_once_is_one_poll_and_its_error_is_an_error(server: Server, open_feed: Callable[[], RssFeed]) -> None:
    def once() -> list[Item]:
        return list(
            follow(open_feed(), interval=60, delivered=frozenset, wait=lambda _: None, tell=lambda _: None, once=True)
        )

    server.answers += [Answer(_rss(_entry("a", "One"))), Answer(status=500)]
    assert len(once()) == 1
    with pytest.raises(SourceError, match="answered 500"):
        once()


def test_delays_are_bounded() -> None:
    assert next_delay(300, 0, None) == 300
    assert next_delay(300, 100, None) == 3600
    assert next_delay(7200, 3, None) == 7200
    assert next_delay(300, 0, 10.0) == 300
    assert next_delay(300, 1, 1e12) == 86_400


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("90", 90.0),
        ("Mon, 02 Mar 2026 08:02:00 GMT", 120.0),
        ("Mon, 02 Mar 2026 07:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("Mon, 02 Mar 2026 08:02:00 +9999999999999999999", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, expected: float | None) -> None:
    assert _retry_after(header, datetime(2026, 3, 2, 8, tzinfo=UTC)) == expected
