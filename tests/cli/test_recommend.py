"""``tocsin recommend`` asks and shows; ``feed`` and ``watch`` know items, behaviors and recommendations."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import pytest
from support.commands import Tocsin
from support.messages import consume_all, produce

from streams.cli.common import CommandError
from streams.cli.recommend import ask
from streams.contract.recommendations import Recommendation, RecommendationRequest, RecommendedItem
from streams.contract.records import encode
from streams.contract.settings import Settings
from streams.contract.topics import recommendation_requests_topic, recommendations_topic

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

only_tansu = pytest.mark.parametrize(
    "broker", [pytest.param("tansu_broker", marks=pytest.mark.integration, id="tansu")], indirect=True
)


@pytest.fixture
def tocsin(stream_settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tocsin:
    return Tocsin(monkeypatch, capsys).under(stream_settings)


def answer(request: str, *, cold: bool = False, items: int = 2) -> Recommendation:
    return Recommendation(
        id=request,
        user="ada@example.org",
        cause="request",
        items=[
            RecommendedItem(
                item=f"guide-{number}",
                score=0.5,
                reason="because_you_read",
                why="because you read “Rates\x1b[2J”",
                title=f"Guide [bold]{number}[/]",
            )
            for number in range(items)
        ],
        cold=cold,
        time=datetime(2026, 3, 2, 9, 50, tzinfo=UTC),
        model="encoder:1",
        ranker="default",
    )


@contextmanager
def answering(settings: Settings, *, items: int = 2) -> Iterator[list[RecommendationRequest]]:
    """Somebody who answers the next request, as a worker would, after an answer for somebody else."""
    asked: list[RecommendationRequest] = []

    def run() -> None:
        (record, *_) = consume_all(settings, recommendation_requests_topic(settings.topics), 1)
        request = msgspec.json.decode(record.value, type=RecommendationRequest)
        asked.append(request)
        answers = [answer("another"), answer(request.id, items=items)]
        produce(settings, recommendations_topic(settings.topics), [(b"", encode(each), []) for each in answers])

    thread = threading.Thread(target=run)
    thread.start()
    yield asked
    thread.join()


@only_tansu
def test_it_asks_and_shows_the_answer_to_its_own_request(tocsin: Tocsin, stream_settings: Settings) -> None:
    with answering(stream_settings) as asked:
        shown = tocsin("recommend", "ada", "--limit", 2)
    assert shown.code == 0, shown.err
    assert (asked[0].user, asked[0].limit) == ("ada", 2)
    assert "Guide [bold]1[/]" in shown.out
    assert "because you read “Rates" in shown.out
    assert "\x1b[2J" not in shown.out


@only_tansu
def test_as_json_it_gives_the_record(tocsin: Tocsin, stream_settings: Settings) -> None:
    with answering(stream_settings) as asked:
        shown = tocsin("recommend", "ada", "--json")
    told = msgspec.json.decode(shown.out, type=Recommendation)
    assert told == answer(asked[0].id)


@only_tansu
def test_without_items_it_says_so(tocsin: Tocsin, stream_settings: Settings) -> None:
    with answering(stream_settings, items=0):
        shown = tocsin("recommend", "ada")
    assert "nothing can be recommended" in shown.out


@only_tansu
def test_without_a_worker_it_ends_with_not_found(tocsin: Tocsin, stream_settings: Settings) -> None:
    shown = tocsin("recommend", "ada", "--timeout", 0.5)
    assert shown.code == 3
    assert "no answer within 0.5 s" in shown.err


@pytest.mark.parametrize("user", ["", "x" * 513])
def test_what_can_be_no_readers_id_is_refused_and_not_waited_for(user: str) -> None:
    with pytest.raises(CommandError, match=r"this cannot be asked: .* `\$\.user`") as refused:
        ask(Settings(), user, limit=5, timeout=60.0)
    assert refused.value.code == 2


@only_tansu
def test_watch_shows_recommendations_without_the_reader(tocsin: Tocsin, stream_settings: Settings) -> None:
    topic = recommendations_topic(stream_settings.topics)
    produce(stream_settings, topic, [(b"", encode(answer("r", cold=True, items=5)), [])])
    shown = tocsin("watch", "recommendations", "--from-beginning", "--limit", 1)
    assert "a reader nobody knows" in shown.out
    assert "Guide [bold]0[/]" in shown.out
    assert "and 2 more" in shown.out
    assert "ada" not in shown.out


@only_tansu
def test_feed_sends_items_and_behaviors_from_json_lines_and_tables(
    tocsin: Tocsin, stream_settings: Settings, tmp_path: Path
) -> None:
    recommend = stream_settings.recommend
    items, behaviors = tmp_path / "items.jsonl", tmp_path / "clicks.csv"
    items.write_text('{"id": "guide-1", "title": "One", "text": "one"}\n{"text": "two"}\n{"title": "no text"}\n')
    behaviors.write_text("reader,article,action,seconds\nada,guide-1,view,12.5\nben,guide-2,click,\n")
    fed = tocsin("feed", items, "--to", recommend.items_topic, "--json")
    assert fed.code == 0, fed.err
    assert (fed.json["sent"], fed.json["malformed"]) == (3, 1)
    columns = ["--user-column", "reader", "--item-column", "article"]
    fed = tocsin("feed", behaviors, "--to", recommend.behaviors_topic, *columns, "--json")
    assert (fed.code, fed.json["sent"], fed.json["malformed"]) == (0, 2, 0), fed.err
    records = consume_all(stream_settings, recommend.behaviors_topic, 2)
    sent = {record.key: msgspec.json.decode(record.value) for record in records}
    assert set(sent) == {b"ada", b"ben"}
    assert (sent[b"ada"]["item"], sent[b"ada"]["action"], sent[b"ada"]["seconds"]) == ("guide-1", "view", 12.5)
    assert {record.key for record in consume_all(stream_settings, recommend.items_topic, 3)} >= {b"guide-1"}


@only_tansu
@pytest.mark.parametrize(
    ("args", "problem"),
    [
        (["--item-column", "a", "--to", "ITEMS"], "an item has no item"),
        (["--title-column", "a", "--to", "BEHAVIORS"], "a behavior has no title"),
        (["--format", "lines", "--to", "BEHAVIORS"], "a behavior needs user, item, action"),
        (["--to", "elsewhere"], "no input topic"),
    ],
)
def test_feed_refuses_what_makes_no_sense(
    tocsin: Tocsin, stream_settings: Settings, tmp_path: Path, args: list[str], problem: str
) -> None:
    names = {"ITEMS": stream_settings.recommend.items_topic, "BEHAVIORS": stream_settings.recommend.behaviors_topic}
    source = tmp_path / "some.csv"
    source.write_text("a,text\n1,one\n")
    fed = tocsin("feed", source, *[names.get(arg, arg) for arg in args])
    assert fed.code != 0
    assert problem in fed.err
