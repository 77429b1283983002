"""One poll of a feed: what its entries become, and what is wrong with it or its address."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from support.feeds import Answer, Server, entry, fields, keys, rss

from streams.sources.items import Outgoing, Skipped, SourceError
from streams.sources.rss import FeedGoneError, RssFeed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ATOM = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Harbour Wire</title>
<entry><id>urn:1</id><title>Ferry firm halts sailings</title><link href="https://wire.example/1"/>
<updated>2026-03-02T10:00:00+02:00</updated>
<summary type="html">&lt;p&gt;All crews are safe.&lt;/p&gt;</summary></entry>
</feed>"""


def test_an_rss_entry_is_a_message(server: Server, open_feed: Callable[[], RssFeed]) -> None:
    server.answers.append(
        Answer(rss(entry("g1", "Rates &amp;amp; pound", "&lt;p&gt;Held at &lt;b&gt;4%&lt;/b&gt;&lt;/p&gt;")))
    )
    (item,) = open_feed().poll().items
    told = fields(item)
    assert isinstance(item, Outgoing)
    assert told.pop("id") == item.key
    assert len(told.pop("fingerprint")) == 16
    assert "desk@quay.example" in told.pop("author")
    assert told == {
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
    told = fields(item)
    assert (told["text"], told["time"]) == (
        "Ferry firm halts sailings\nAll crews are safe.",
        "2026-03-02T08:00:00Z",
    )


def test_one_story_in_two_feeds_has_one_fingerprint_and_two_ids(
    server: Server, open_feed: Callable[[], RssFeed]
) -> None:
    copy = rss(entry("other-guid", "FERRY FIRM HALTS SAILINGS", "All crews are safe!"))
    server.answers += [Answer(ATOM.encode()), Answer(copy)]
    first, second = (open_feed().poll().items[0] for _ in range(2))
    assert fields(first)["fingerprint"] == fields(second)["fingerprint"]
    assert fields(first)["id"] != fields(second)["id"]


def test_oldest_first_each_once_and_empty_ones_told(server: Server, open_feed: Callable[[], RssFeed]) -> None:
    entries = [entry("new", "Newest", hour=12), entry("empty", ""), entry("old", "Oldest"), entry("old", "Oldest")]
    server.answers.append(Answer(rss(*entries)))
    items = open_feed().poll().items
    texts = [fields(item)["text"] for item in items if isinstance(item, Outgoing)]
    assert texts == ["Oldest", "Newest"]
    assert [item.reason for item in items if isinstance(item, Skipped)] == ["blank"]


def test_a_later_poll_is_conditional_and_brings_only_what_is_new(
    server: Server, open_feed: Callable[[], RssFeed]
) -> None:
    stamps = {"ETag": '"v1"', "Last-Modified": "Mon, 02 Mar 2026 08:00:00 GMT"}
    server.answers += [
        Answer(rss(entry("a", "One")), headers=stamps),
        Answer(status=304),
        Answer(rss(entry("b", "Two"), entry("a", "One"))),
    ]
    feed = open_feed()
    first = feed.poll()
    feed.remember(first, keys(first.items))
    feed = open_feed()  # a later run
    unchanged = feed.poll()
    feed.remember(unchanged, frozenset())
    third = feed.poll()
    assert (unchanged.unchanged, unchanged.items) == (True, ())
    assert [fields(item)["text"] for item in third.items] == ["Two"]
    assert "If-None-Match" not in server.asked[0]
    for asked in server.asked[1:]:
        assert (asked["If-None-Match"], asked["If-Modified-Since"]) == ('"v1"', stamps["Last-Modified"])


@pytest.mark.parametrize("name", ["ETag", "Last-Modified"])
def test_what_may_not_stand_in_a_request_is_not_asked_with(
    server: Server, open_feed: Callable[[], RssFeed], name: str
) -> None:
    server.answers.append(Answer(rss(entry("a", "One")), headers={name: '"prägung-1"'}))
    feed = open_feed()
    feed.remember(first := feed.poll(), keys(first.items))
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
    server.answers.append(Answer(rss(entry("a", title), entry("b", "Two", hour=9))))
    poll = open_feed().poll()
    assert poll.problem is None
    assert [fields(item)["text"] for item in poll.items] == [text, "Two"]


def test_what_the_broker_did_not_acknowledge_comes_again(server: Server, open_feed: Callable[[], RssFeed]) -> None:
    server.answers.append(Answer(rss(entry("a", "One"), entry("b", "Two", hour=9)), headers={"ETag": '"v1"'}))
    feed = open_feed()
    poll = feed.poll()
    feed.remember(poll, keys(poll.items[:1]))
    again = open_feed().poll()
    assert [fields(item)["text"] for item in again.items] == ["Two"]
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
        (Answer(rss(entry("a")), headers={"Content-Type": "text/xml; charset=punycode"}), "cannot be read", None),
    ],
)
def test_errors_are_told_and_nothing_is_forgotten(
    server: Server, open_feed: Callable[[], RssFeed], answer: Answer, problem: str, retry_after: float | None
) -> None:
    server.answers += [Answer(rss(entry("a", "One"))), answer]
    feed = open_feed()
    first = feed.poll()
    feed.remember(first, keys(first.items))
    failed = feed.poll()
    feed.remember(failed, frozenset())
    assert failed.problem is not None
    assert problem in failed.problem
    assert failed.retry_after == retry_after
    assert open_feed().memory.seen == sorted(keys(first.items))


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
    server.answers.append(Answer(rss(*[entry(str(number)) for number in range(100)])))
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
