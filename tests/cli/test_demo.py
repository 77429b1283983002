"""``tocsin demo``: the account, the story's times, the screen at any size, the stage."""

from __future__ import annotations

import io
from collections import Counter
from contextlib import AbstractContextManager, ExitStack, nullcontext
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from rich.console import Console

from streams.cli.demonstration import page
from streams.cli.demonstration.bars import split
from streams.cli.demonstration.screen import Screen
from streams.cli.demonstration.stage import environment, stage_settings, surge_settings
from streams.cli.demonstration.story import load_story, schedule
from streams.cli.demonstration.summary import print_summary, summarise
from streams.cli.demonstration.tally import Tally
from streams.contract.domain import DomainError, Entities, load_domain
from streams.contract.records import DeadLetter, Entity, Prediction
from streams.contract.service_settings import DeskSettings
from streams.contract.settings import (
    AlertmanagerSettings,
    KafkaSettings,
    ModelSettings,
    Settings,
    SurgeSettings,
    TopicsSettings,
    load_settings,
)
from streams.contract.subjects import EntityNames

if TYPE_CHECKING:
    from pathlib import Path


START = datetime(2026, 3, 2, 8, tzinfo=UTC)
NAMES = EntityNames(Entities(legal_suffixes=("plc",), aliases={"Acme": ("$ACM", "Acme Bank")}))
SCORES = {"negative": 0.8, "neutral": 0.1, "positive": 0.1}
TOWARDS = {"negative": 0.2, "neutral": 0.1, "positive": 0.7}


def _tally(expected: int) -> Tally:
    return Tally(expected, NAMES)


def _prediction(message_id: str, *, entities: tuple[str, ...] = (), number: str = "") -> Prediction:
    return Prediction(
        id=f"output-{message_id}{number}",
        message_id=message_id,
        source="news",
        kind="news",
        time=START,
        topics=["markets"],
        topic_scores={"markets": 1.0},
        sentiment="negative",
        sentiment_scores=SCORES,
        entities=[
            Entity(text=text, type="ORG", start=0, end=1, score=1.0, sentiment="positive", sentiment_scores=TOWARDS)
            for text in entities
        ],
        model="encoder:1",
    )


def _letter(key: bytes | None) -> DeadLetter:
    return DeadLetter(
        id=f"letter-{key!r}",
        topic="news",
        partition=0,
        offset=7,
        stage="decode",
        reason="malformed",
        error="not JSON",
        attempts=1,
        time=START,
        key=key,
    )


def _played() -> Tally:
    tally = _tally(3)
    tally.send("a", "Acme gains as Beta's clients flee", 1.0)
    tally.send("b", "\u0627\u0644\u0633\u0644\u0627\u0645 \U0001f468\u200d\U0001f469\u200d\U0001f467 " * 40, 1.0)
    tally.send("c", "", 1.0)
    tally.predict(_prediction("a", entities=("Acme", "Beta")), 1.1)
    tally.predict(_prediction("b"), 1.5)
    tally.bury(_letter(b"c"), 1.6)
    return tally


def test_an_account_that_is_complete_reconciles() -> None:
    tally = _played()
    assert (tally.sent, tally.predictions, tally.dead_letters, tally.missing) == (3, 2, 1, 0)
    assert tally.finished
    assert tally.reconciles
    assert tally.latency(0.5) == pytest.approx(0.1)
    assert tally.latency(0.99) == pytest.approx(0.5)
    assert tally.rate(1.6) == pytest.approx(3 / 5)
    assert tally.rate(60.0) == 0.0


def test_what_did_not_come_is_missing() -> None:
    tally = _tally(2)
    tally.send("a", "one", 0.0)
    tally.send("b", "two", 0.0)
    tally.predict(_prediction("a"), 0.1)
    assert tally.missing == 1
    assert not tally.finished
    assert not tally.reconciles


def test_an_output_that_comes_again_counts_once() -> None:
    tally = _tally(1)
    tally.send("a", "one", 0.0)
    for _ in range(3):
        tally.predict(_prediction("a"), 0.1)
    assert (tally.predictions, tally.duplicates) == (1, 2)
    assert tally.reconciles


def test_two_outputs_for_one_message_do_not_reconcile() -> None:
    tally = _tally(1)
    tally.send("a", "one", 0.0)
    tally.predict(_prediction("a"), 0.1)
    tally.predict(_prediction("a", number="-2"), 0.1)
    assert not tally.reconciles


@pytest.mark.parametrize("key", [b"nobody", None, b"\xff"])
def test_an_output_for_nothing_that_was_sent_does_not_reconcile(key: bytes | None) -> None:
    tally = _tally(1)
    tally.send("a", "one", 0.0)
    tally.predict(_prediction("a"), 0.1)
    tally.bury(_letter(key), 0.1)
    assert tally.unknown == 1
    assert not tally.reconciles


def test_entities_are_counted_in_any_case_and_told_in_the_usual_form() -> None:
    tally = _tally(3)
    for key, name in (("a", "ACME"), ("b", "Acme"), ("c", "$Acme")):
        tally.send(key, f"{name} gains", 0.0)
        tally.predict(_prediction(key, entities=(name,)), 0.1)
    assert tally.entities == [("Acme", Counter(positive=3))]


def test_the_names_of_one_entity_are_counted_together_and_once_for_a_message() -> None:
    tally = _tally(3)
    for key, names in (("a", ("Acme Bank", "$ACM")), ("b", ("Acme",)), ("c", ("Acme", "Beta plc"))):
        tally.send(key, " and ".join(names), 0.0)
        tally.predict(_prediction(key, entities=names), 0.1)
    assert tally.entities == [("Acme", Counter(positive=3)), ("Beta plc", Counter(positive=1))]


def test_an_entity_named_twice_counts_with_what_is_said_in_all() -> None:
    tally = _tally(1)
    tally.send("a", "Acme and Acme Bank", 0.0)
    prediction = _prediction("a", entities=("Acme", "Acme Bank"))
    first, second = prediction.entities
    surer = msgspec.structs.replace(second, sentiment="negative", sentiment_scores=SCORES)
    tally.predict(msgspec.structs.replace(prediction, entities=[first, surer]), 0.1)
    assert tally.entities == [("Acme", Counter(negative=1))]


def test_it_is_kept_when_the_last_answer_came() -> None:
    tally = _tally(2)
    tally.send("a", "one", 0.0)
    tally.predict(_prediction("a"), 0.1)
    assert tally.answered_at is None
    tally.send("b", "two", 1.0)
    tally.predict(_prediction("b"), 1.1)
    tally.predict(_prediction("b"), 9.0)
    assert tally.answered_at == pytest.approx(1.1)


def test_an_entity_that_masking_took_out_is_not_told() -> None:
    tally = _tally(1)
    tally.send("a", "[author] wrote to Acme", 0.0)
    tally.predict(_prediction("a", entities=("Zoe Lone", "Acme")), 0.1)
    assert [name for name, _ in tally.entities] == ["Acme"]
    assert [entity.text for entity in tally.latest[0].entities] == ["Acme"]


def test_the_rhythm_of_the_messages_is_kept() -> None:
    times = [START + timedelta(seconds=second) for second in (0, 10, 30, 40)]
    assert schedule(times, 8.0) == pytest.approx([0.0, 2.0, 6.0, 8.0])


def test_a_long_silence_is_shortened() -> None:
    times = [START + timedelta(seconds=second) for second in (0, 10, 20, 30, 1000)]
    dues = schedule(times, 10.0, longest_silence=1.0)
    assert dues[-1] == pytest.approx(10.0)
    # The mean gap is 250 s, and three gaps of 10 s stay as they are beside it.
    assert dues[-1] - dues[-2] == pytest.approx(10.0 * 250 / 280)


@pytest.mark.parametrize("seconds", [(), (0,), (0, 0), (5, 0)])
def test_a_schedule_of_nothing_to_wait_for(seconds: tuple[int, ...]) -> None:
    assert schedule([START + timedelta(seconds=second) for second in seconds], 5.0) == [0.0] * len(seconds)


def test_the_sample_is_a_story_for_every_input_with_broken_lines_in_between() -> None:
    topics = TopicsSettings().inputs
    story = load_story(load_domain("finance"), topics, 45.0)
    assert {cue.topic for cue in story} == set(topics)
    assert len({cue.item.key for cue in story}) == len(story)
    assert [cue.due for cue in story] == sorted(cue.due for cue in story)
    assert story[-1].due == pytest.approx(45.0)
    assert sum(cue.item.malformed for cue in story) == 3


def test_the_story_shows_no_personal_data() -> None:
    shown = " ".join(cue.text for cue in load_story(load_domain("finance"), TopicsSettings().inputs, 45.0))
    assert "[card]" in shown
    assert "5555 5555 5555 4444" not in shown


def _domain_folder(folder: Path, sample: str) -> str:
    (folder / "domain.toml").write_text(
        'name = "own"\ntitle = "Own"\ntopics = [{name = "a", title = "A"}, {name = "b", title = "B"}]\n'
    )
    (folder / "sample.jsonl").write_text(sample)
    return str(folder)


@pytest.mark.parametrize(
    ("sample", "told"),
    [
        ("", "holds no messages"),
        ('{"text": "x", "source": "elsewhere"}\n', "line 1: source is 'elsewhere'"),
        ('{"text": "x", "source": "news"}\n{"text": 1}\n', "line 2: "),
    ],
)
def test_a_sample_that_cannot_be_played_is_told_by_file_and_line(sample: str, told: str, tmp_path: Path) -> None:
    domain = load_domain(_domain_folder(tmp_path, sample))
    with pytest.raises(DomainError, match=told) as caught:
        load_story(domain, TopicsSettings().inputs, 5.0)
    assert "sample.jsonl" in str(caught.value)


@pytest.mark.parametrize("cells", [1, 2, 7, 40])
def test_a_bar_loses_no_cell(cells: int) -> None:
    shares = split(Counter(negative=1, neutral=1, positive=1), cells)
    assert sum(shares.values()) == cells
    assert max(shares.values()) - min(shares.values()) <= 1


def test_a_bar_of_nothing_is_empty() -> None:
    assert split(Counter(), 10) == {}


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (40, 12), (20, 5), (200, 60)])
@pytest.mark.parametrize("tally", [_tally(3), _played()], ids=["empty", "played"])
def test_the_screen_fits_any_terminal(size: tuple[int, int], tally: Tally) -> None:
    width, height = size
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=True)
    lines = console.render_lines(Screen("Tocsin", tally, "metrics"), console.options.update(height=height))
    assert len(lines) == height
    assert {sum(segment.cell_length for segment in line) for line in lines} == {width}


def _drawn(tally: Tally, width: int, height: int) -> str:
    console = Console(file=io.StringIO(), width=width, height=height, record=True)
    console.print(Screen("Tocsin", tally, "metrics"), height=height)
    return console.export_text()


def test_the_screen_shows_nothing_empty() -> None:
    assert "Dead letters" in _drawn(_played(), 120, 40)
    assert "Dead letters" not in _drawn(_tally(3), 120, 40)
    assert "Topics" not in _drawn(_tally(3), 120, 40)


def test_the_screen_shows_who_is_meant_where_there_is_room() -> None:
    assert "Acme, Beta" in _drawn(_played(), 120, 40)
    assert "Acme gains" in _drawn(_played(), 80, 24)


def test_the_summary_tells_an_account_that_is_wrong() -> None:
    tally = _tally(2)
    tally.send("a", "one", 0.0)
    console = Console(file=io.StringIO(), width=80, record=True)
    summary = summarise(tally, seconds=1.0, interrupted=False)
    print_summary(console, summary, tally)
    assert not summary.reconciles
    assert "the account is wrong: 1 without an answer" in console.export_text()


def test_the_stage_has_the_users_model_and_nothing_of_the_users_kafka_or_alertmanager(
    clean_environment: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Settings(
        domain="own",
        kafka=KafkaSettings(bootstrap_servers="kafka:9092", security_protocol="SSL"),
        topics=TopicsSettings(inputs={"mine": "news"}),
        model=ModelSettings(registry="s3://models", alias="3"),
        surge=SurgeSettings(enabled=False),
        alertmanager=AlertmanagerSettings(url="http://alertmanager:9093"),
    )
    staged = stage_settings(own, "127.0.0.1:1234", tmp_path)
    (tmp_path / "tocsin.toml").write_text('[topics]\ninputs = {mine = "news"}\n')
    monkeypatch.setenv("TOCSIN_CONFIG", str(tmp_path / "tocsin.toml"))
    monkeypatch.setenv("TOCSIN_KAFKA__SASL_USERNAME", "me")
    variables = environment(staged, tmp_path)
    assert "TOCSIN_KAFKA__SASL_USERNAME" not in variables
    monkeypatch.delenv("TOCSIN_KAFKA__SASL_USERNAME")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    read = load_settings()
    assert read == staged
    assert (read.domain, read.model, read.topics) == ("own", own.model, TopicsSettings(partitions=1))
    assert (read.surge, read.alertmanager) == (surge_settings(), AlertmanagerSettings())
    assert read.kafka.bootstrap_servers == "127.0.0.1:1234"
    assert read.kafka.security_protocol == "PLAINTEXT"


def test_what_goes_together_with_the_user_goes_together_on_the_stage(
    clean_environment: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = load_settings(
        topics={"inputs": {"wire": "news"}},
        worker={"shutdown_timeout_seconds": 40.0, "stall_timeout_seconds": 300.0},
        replies={"deadline_seconds": 30.0},
        recommend={"items_topic": "news", "checkpoint_seconds": 120.0},
    )
    staged = stage_settings(own, "127.0.0.1:1234", tmp_path)
    for name, value in environment(staged, tmp_path).items():
        monkeypatch.setenv(name, value)
    assert load_settings() == staged
    assert staged.worker.data_dir == tmp_path / "worker"
    assert staged.replies.deadline_seconds == 30.0


def test_the_page_of_the_play_is_no_page_of_the_users_desk(
    clean_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its address is printed with its token.
    served = list[Settings]()

    def serve(settings: Settings, _: str) -> AbstractContextManager[Any]:
        served.append(settings)
        return nullcontext(SimpleNamespace(address="http://127.0.0.1:1/#token=made-now"))

    monkeypatch.setattr(page, "serve_desk", serve)
    own = load_settings(
        domain="own",
        desk={"token": "of-the-users-desk", "tokens": {"ann": "of-the-users-desk-too"}, "host": "desk.example"},
    )
    with ExitStack() as stack:
        page.open_page(own, stack)
    assert [(settings.domain, settings.desk) for settings in served] == [("own", DeskSettings(port=0))]
