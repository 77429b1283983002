"""Feeds as servers give them, and a server that gives the answers that it is told to."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

from streams.sources.items import Item, Outgoing

RSS = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0"><channel><title>The &lt;b&gt;Daily&lt;/b&gt; Quay</title><language>en-gb</language>
{items}</channel></rss>"""
ENTRY = """<item><title>{title}</title><description>{summary}</description><guid>{guid}</guid>
<link>https://quay.example/{guid}</link><category>shipping</category><author>desk@quay.example (A Hand)</author>
<pubDate>{date}</pubDate></item>"""


def entry(guid: str, title: str = "Rates held", summary: str = "", hour: int = 8) -> str:
    """An RSS entry."""
    return ENTRY.format(guid=guid, title=title, summary=summary, date=f"Mon, 02 Mar 2026 {hour:02}:00:00 GMT")


def rss(*entries: str) -> bytes:
    """A feed of these entries."""
    return RSS.format(items="".join(entries)).encode()


@dataclass
class Answer:
    """What a server answers."""

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


def fields(item: Item) -> dict[str, Any]:
    """The message that is sent, as JSON has it."""
    assert isinstance(item, Outgoing)
    return msgspec.json.decode(item.value, type=dict[str, Any])


def keys(items: tuple[Item, ...]) -> frozenset[str]:
    """Keys of what is sent."""
    return frozenset(item.key for item in items if isinstance(item, Outgoing))
