"""Live messages in, predictions and dead letters out, through a real worker on a real broker."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from support.messages import consume_all, produce
from support.processes import wait_for
from support.streams import Ledger, message, read_dead_letters, read_predictions, worker

from streams.contract.topics import predictions_topic

if TYPE_CHECKING:
    from streams.contract.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

MALFORMED = 10_000
GOOD = 400


def _input(settings: Settings, kind: str) -> str:
    return next(topic for topic, its_kind in settings.topics.inputs.items() if its_kind == kind)


def test_each_kind_of_message_is_read(stream_settings: Settings) -> None:
    settings = stream_settings
    texts = {
        "news": "Harbour Lane Bank shares slump after a surprise loss",
        "social": "love the new Harbour Lane app, so quick 🎉",
        "customer": "I lost my card this morning, please block it",
    }
    for kind, text in texts.items():
        body = {"id": kind, "text": text, "time": "2026-03-01T08:00:00Z", "source": "a test"}
        produce(settings, _input(settings, kind), [(kind.encode(), json.dumps(body).encode(), [])])
    with worker(settings) as running:
        records = read_predictions(settings, len(texts))
        counted = f'tocsin_messages_total{{source="{_input(settings, "news")}"}}'
        # A prediction can be read before it is counted.
        wait_for(lambda: running.metric(counted) == 1, what="for the message to be counted")
    for record in records:
        prediction = json.loads(record.value)
        kind = prediction["message_id"]
        headers = {name: content.decode() for name, content in record.headers}
        assert record.key.decode() == kind
        assert prediction["kind"] == kind
        assert prediction["time"] == "2026-03-01T08:00:00Z"
        assert prediction["source"] == "a test"
        assert ("intent" in prediction) == (kind == "customer")
        assert headers["ce_type"] == "tocsin.prediction"
        assert headers["ce_time"] == "2026-03-01T08:00:00+00:00"
        for entity in prediction["entities"]:
            assert texts[kind][entity["start"] : entity["end"]] == entity["text"]


def test_any_unicode_and_any_length_is_answered(stream_settings: Settings) -> None:
    settings = stream_settings
    texts = [
        "nul \x00 inside",
        "👩‍👩‍👧‍👦 family " * 40,
        "مرحبا hello שלום",
        "zero\u200bwidth\u200d joiners\ufeff",
        "é" * 5000,
        "word " * 15_000,
        "\U0001d54f" * 100,
        "\u202eright to left override",
        "中文新闻 银行股价下跌",
    ]
    produce(
        settings,
        _input(settings, "social"),
        [(str(n).encode(), json.dumps({"id": str(n), "text": text}).encode(), []) for n, text in enumerate(texts)],
    )
    with worker(settings):
        records = read_predictions(settings, len(texts))
    answered = {record.key.decode(): json.loads(record.value) for record in records}
    assert answered["5"]["truncated"] is True
    assert "truncated" not in answered["0"]


def test_ten_thousand_malformed_payloads_between_good_messages(stream_settings: Settings) -> None:
    settings = stream_settings
    topic = _input(settings, "news")
    noise = random.Random(20261125)
    payloads: list[tuple[bytes | None, bytes | None]] = [(b"bad", bad) for bad in _malformed(noise)]
    good = [str(number) for number in range(GOOD)]
    payloads += [message(number) for number in range(GOOD)]
    noise.shuffle(payloads)
    produce(settings, topic, [(key, value, []) for key, value in payloads])
    with worker(settings) as running:
        letters = read_dead_letters(settings, MALFORMED, timeout=90)
        ledger = Ledger(read_predictions(settings, GOOD))
        assert running.get("/healthz")[0] == 200
    ledger.assert_complete(good)
    assert set(ledger.outputs) == set(good)
    assert len({letter["id"] for letter in letters}) == MALFORMED
    assert {letter["stage"] for letter in letters} == {"decode"}
    assert {letter["reason"] for letter in letters} >= {"empty", "not_utf8", "malformed", "wrong_type", "empty_text"}


def _malformed(noise: random.Random) -> list[bytes]:
    """Bytes that are no message: arbitrary JSON by hypothesis, byte noise, and good messages that were damaged."""
    bad: list[bytes] = [b""]
    json_values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.just("text"), inner, max_size=4),
        max_leaves=12,
    )

    @hypothesis_settings(
        max_examples=1500,
        database=None,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(json_values)
    def collect(value: object) -> None:
        if not _could_be_a_message(value):
            bad.append(json.dumps(value).encode("utf-8", "surrogatepass"))

    collect()
    while len(bad) < MALFORMED:
        _, value = message(noise.randrange(10**6))
        kind = noise.randrange(4)
        if kind == 0:
            damaged = noise.randbytes(noise.randrange(1, 400))
        elif kind == 1:
            damaged = value[: noise.randrange(len(value))]
        elif kind == 2:
            damaged = value.replace(
                b'"text": "', noise.choice([b'"text": 5, "x": "', b'"Text": "', b'"text": " \\n", "x": "'])
            )
        else:
            place = noise.randrange(len(value))
            damaged = value[:place] + bytes([noise.randrange(128, 256)]) + value[place:]
        try:
            is_message = _could_be_a_message(json.loads(damaged))
        except ValueError:
            is_message = False
        if not is_message:
            bad.append(damaged)
    return bad[:MALFORMED]


def _could_be_a_message(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("text"), str) and value["text"].strip() != ""


def test_a_prediction_is_repeated_with_the_same_id_when_a_message_is_read_again(stream_settings: Settings) -> None:
    settings = stream_settings
    produce(settings, _input(settings, "news"), [(*message(1), [])])
    with worker(settings):
        consume_all(settings, predictions_topic(settings.topics), 1)
    again = settings.model_copy(
        update={"kafka": settings.kafka.model_copy(update={"group_id": "another-" + settings.kafka.group_id})}
    )
    with worker(again):
        first, second = consume_all(settings, predictions_topic(settings.topics), 2)
    assert dict(first.headers)["ce_id"] == dict(second.headers)["ce_id"]
