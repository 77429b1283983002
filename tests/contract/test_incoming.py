from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.properties import quick

from streams.contract.ids import output_id
from streams.contract.incoming import FIRST_TIMESTAMP, BadMessageError, Reason, Record, decode_message, parse_time
from streams.contract.records import Message, encode

Headers = list[tuple[str, bytes | None]]

KAFKA_TIME = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
NOON = datetime(2024, 4, 3, 12, 0, tzinfo=UTC)
STRUCTURED: Headers = [("content-type", b"application/cloudevents+json; charset=UTF-8")]
BINARY: Headers = [
    ("ce_specversion", b"1.0"),
    ("ce_id", b"event-1"),
    ("ce_source", b"/wire"),
    ("ce_time", b"2024-04-03T12:00:00Z"),
    ("content-type", b"application/json"),
]


def decode(
    value: bytes | None, headers: Headers | None = None, *, max_bytes: int = 10_000, max_chars: int = 100
) -> Message:
    record = Record("news", 3, 14, KAFKA_TIME.timestamp(), None, value, headers or [])
    return decode_message(record, max_bytes=max_bytes, max_chars=max_chars)


def dump(**fields: object) -> bytes:
    return json.dumps(fields).encode()


def envelope(**fields: object) -> bytes:
    return dump(**{"specversion": "1.0", "id": "event-1", "source": "/wire", "type": "news"} | fields)


def test_a_text_alone_is_a_message_and_kafka_tells_the_rest() -> None:
    assert decode(b'{"text": "Shares fall"}') == Message(
        id=output_id("news", 3, 14, "message"), text="Shares fall", source="news", time=KAFKA_TIME
    )


def test_every_field_is_carried_over_and_others_are_ignored() -> None:
    fields = {
        name: f"a {name}"
        for name in ("id", "source", "author", "language", "url", "channel", "conversation", "user", "fingerprint")
    }
    message = decode(dump(text="x", time="2024-04-03T12:00:00Z", likes=[1, {"a": None}], **fields))
    assert message == Message(text="x", time=NOON, **fields)


@pytest.mark.parametrize(("given_id", "expected"), [("a-1", "a-1"), (17, "17"), (0, "0"), (2**70, str(2**70))])
def test_an_id_may_be_a_number(given_id: object, expected: str) -> None:
    assert decode(dump(text="x", id=given_id)).id == expected


@pytest.mark.parametrize("headers", [None, STRUCTURED])
def test_an_empty_id_is_none(headers: Headers | None) -> None:
    value = dump(text="x", id="") if headers is None else envelope(id="", data={"text": "x", "id": ""})
    assert decode(value, headers).id == output_id("news", 3, 14, "message")


@pytest.mark.parametrize(
    ("reason", "value", "headers"),
    [
        ("empty", None, None),
        ("empty", b"", None),
        ("too_large", dump(text="x" * 10_000), None),
        ("not_utf8", b"\xff\xfe\x00", None),
        ("not_utf8", '{"text": "\N{LATIN SMALL LETTER E WITH ACUTE}"}'.encode("latin-1"), None),
        ("not_utf8", envelope(data={"text": "x"}).replace(b"event-1", b"\xff"), STRUCTURED),
        ("malformed", b"\x00", None),
        ("malformed", b"{", None),
        ("malformed", b'{"text": "x"} {"text": "y"}', None),
        ("malformed", b'{"text": "lone \\ud83d surrogate"}', None),
        ("malformed", b'{"text": "x", "deep": ' + b"[" * 5_000, None),
        ("malformed", b"plain words", STRUCTURED),
        ("malformed", envelope(), STRUCTURED),
        ("malformed", envelope(id=5, data={"text": "x"}), STRUCTURED),
        ("malformed", envelope(data_base64="not base64!"), STRUCTURED),
        ("malformed", envelope(data_base64="d\N{LATIN SMALL LETTER E WITH ACUTE}"), STRUCTURED),
        ("malformed", envelope(data_base64="/////w=="), STRUCTURED),
        ("wrong_type", b"[]", None),
        ("wrong_type", b"null", None),
        ("wrong_type", b'"a text"', None),
        ("wrong_type", b"{}", None),
        ("wrong_type", dump(text=5), None),
        ("wrong_type", dump(text=None), None),
        ("wrong_type", dump(text="x", id=1.5), None),
        ("wrong_type", dump(text="x", id="i" * 513), None),
        ("wrong_type", envelope(id="i" * 513, data={"text": "x"}), STRUCTURED),
        ("wrong_type", dump(text="x", author=["a"]), None),
        ("wrong_type", dump(text="x", time=True), None),
        ("wrong_type", dump(text="x", time={"seconds": 1}), None),
        ("wrong_type", envelope(data="a text"), STRUCTURED),
        ("wrong_type", b'"a text"', BINARY),
        ("empty_text", dump(text=""), None),
        ("empty_text", dump(text=" \t\r\n\N{NO-BREAK SPACE}\N{IDEOGRAPHIC SPACE}"), None),
        ("text_too_long", dump(text="x" * 101), None),
        ("bad_time", dump(text="x", time="yesterday"), None),
        ("bad_time", dump(text="x", time=""), None),
        ("bad_time", dump(text="x", time="2024-13-01"), None),
        ("bad_time", dump(text="x", time=1e300), None),
        ("bad_time", dump(text="x", time="9" * 400), None),
        ("bad_time", dump(text="x", time=10**400), None),
        ("bad_time", dump(text="x", time=-(10**400)), None),
        ("bad_time", envelope(data={"text": "x", "time": 10**400}), STRUCTURED),
        ("bad_time", dump(text="x", time="0001-01-01T00:00:00+14:00"), None),
        ("bad_time", dump(text="x"), [("ce_specversion", b"1.0"), ("ce_time", b"soon")]),
        ("bad_time", envelope(time="soon", data={"text": "x"}), STRUCTURED),
    ],
)  # fmt: skip
def test_what_is_no_message_has_its_reason_and_place(
    reason: Reason, value: bytes | None, headers: Headers | None
) -> None:
    with pytest.raises(BadMessageError) as caught:
        decode(value, headers)
    assert caught.value.reason == reason
    assert str(caught.value).startswith("news[3]@14: ")


@pytest.mark.parametrize("reason", ["too_large", "text_too_long"])
def test_a_limit_is_named_with_its_setting_and_is_still_allowed_itself(reason: str) -> None:
    value = dump(text="x" * 10)
    limits = {"max_bytes": len(value), "max_chars": 10}
    assert decode(value, **limits).text == "x" * 10
    setting = {"too_large": "max_bytes", "text_too_long": "max_chars"}[reason]
    with pytest.raises(BadMessageError, match=f"the limit is {limits[setting] - 1} .enrich[.]max_") as caught:
        decode(value, **limits | {setting: limits[setting] - 1})
    assert caught.value.reason == reason


def test_a_text_is_measured_in_characters_not_in_bytes() -> None:
    assert len(decode(dump(text="\N{BELL}" * 100), max_chars=100).text) == 100


@pytest.mark.parametrize(
    "given_time",
    [
        "2024-04-03T12:00:00Z",
        "2024-04-03t12:00:00z",
        "2024-04-03T12:00:00.000000000+00:00",
        "2024-04-03 12:00",
        "2024-04-03T17:30:00+05:30",
        "20240403T120000Z",
        "2024-W14-3T12:00:00Z",
        NOON.timestamp(),
        int(NOON.timestamp()),
        int(NOON.timestamp() * 1e3),
        int(NOON.timestamp() * 1e6),
        "1712145600",
        "1712145600.000",
        "1712145600000",
        "1712145600000000",
    ],
)
def test_a_time_has_many_forms(given_time: str | float) -> None:
    assert parse_time(given_time) == NOON
    assert decode(dump(text="x", time=given_time)).time == NOON


def test_a_day_is_its_midnight_and_a_time_before_the_epoch_is_one() -> None:
    assert parse_time("2024-04-03") == parse_time("20240403") == NOON - timedelta(hours=12)
    assert parse_time(-86_400) == parse_time("1969-12-31") == datetime(1969, 12, 31, tzinfo=UTC)


@quick
@given(st.datetimes(timezones=st.timedeltas(timedelta(hours=-14), timedelta(hours=14)).map(timezone)))
def test_any_time_survives_iso_8601(time: datetime) -> None:
    try:
        expected = time.astimezone(UTC)
    except OverflowError:
        expected = None
    try:
        assert parse_time(time.isoformat()) == expected
    except ValueError:
        assert expected is None


@quick
@given(st.integers(10**9, 9 * 10**10), st.sampled_from([1, 10**3, 10**6]))
def test_seconds_milliseconds_and_microseconds_are_told_apart(seconds: int, scale: int) -> None:
    assert parse_time(seconds * scale) == datetime.fromtimestamp(seconds, UTC)


def test_a_structured_event_tells_what_its_message_does_not() -> None:
    message = decode(envelope(time="2024-04-03T12:00:00Z", data={"text": "x"}), STRUCTURED)
    assert message == Message(id="event-1", text="x", source="/wire", time=NOON)


def test_a_structured_event_may_hold_its_message_in_base64() -> None:
    data = base64.b64encode(dump(text="caf\N{LATIN SMALL LETTER E WITH ACUTE}")).decode()
    assert decode(envelope(data_base64=data), STRUCTURED).text == "caf\N{LATIN SMALL LETTER E WITH ACUTE}"


def test_a_binary_event_tells_what_its_message_does_not() -> None:
    assert decode(dump(text="x"), BINARY) == Message(id="event-1", text="x", source="/wire", time=NOON)


@pytest.mark.parametrize("headers", [STRUCTURED, BINARY])
def test_what_the_message_says_itself_wins_over_its_event(headers: Headers) -> None:
    data = {"text": "x", "id": "own", "source": "us", "time": "2020-01-01T00:00:00Z"}
    value = envelope(time="2024-04-03T12:00:00Z", data=data) if headers is STRUCTURED else dump(**data)
    message = decode(value, headers)
    assert (message.id, message.source, message.time) == ("own", "us", datetime(2020, 1, 1, tzinfo=UTC))


def test_headers_that_are_no_event_do_no_harm() -> None:
    headers = [("trace", None), ("ce_id", b"no version, no event"), ("content-type", b"text/plain; \xff")]
    assert decode(dump(text="x"), headers).id == output_id("news", 3, 14, "message")


@pytest.mark.parametrize(
    "text",
    [
        "\N{ARABIC LETTER SEEN}\N{ARABIC LETTER HEH} \N{RIGHT-TO-LEFT OVERRIDE}abc",
        "\N{FAMILY}\N{ZERO WIDTH JOINER}\N{EMOJI MODIFIER FITZPATRICK TYPE-6}\U0001f1e8\U0001f1f3",
        "\N{ZERO WIDTH SPACE}\N{ZERO WIDTH NO-BREAK SPACE}",
        "nul \0 in the middle",
        "e\N{COMBINING ACUTE ACCENT}" * 20,
        "\U0010ffff\ufffe",
    ],
)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_any_unicode_comes_through_unchanged(text: str, *, ascii_only: bool) -> None:
    assert decode(json.dumps({"text": text}, ensure_ascii=ascii_only).encode()).text == text


@quick
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=100).filter(str.strip))
def test_every_text_without_lone_surrogates_comes_through_unchanged(text: str) -> None:
    assert decode(dump(text=text)).text == text


SECRET = "Sq7" + "\N{HIRAGANA LETTER A}" + "zQ"
_secrets = st.sampled_from([SECRET, f"{SECRET} 2024", f"2024-{SECRET}", SECRET * 200])
_json = st.recursive(
    _secrets | st.none() | st.booleans() | st.floats() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_secrets, inner, max_size=3),
    max_leaves=6,
)
_documents = st.dictionaries(
    st.sampled_from(["text", "id", "time", "source", "author", "specversion", "type", "data", "data_base64", SECRET]),
    _json,
)
_headers = st.lists(
    st.tuples(
        st.sampled_from(["content-type", "ce_specversion", "ce_id", "ce_time", "ce_source", "other"]),
        st.none() | st.binary(max_size=8) | st.sampled_from([STRUCTURED[0][1], SECRET.encode(), b"1.0"]),
    ),
    max_size=5,
)
_noise = st.builds(
    lambda document, cut, junk: json.dumps(document, ensure_ascii=False).encode()[:cut] + junk,
    _documents,
    st.integers(0, 400),
    st.binary(max_size=4),
)


@settings(quick, max_examples=100)
@given(st.binary() | _noise | _documents.map(lambda document: json.dumps(document).encode()), _headers)
def test_any_bytes_are_a_message_or_a_reason_that_quotes_nothing(value: bytes, headers: Headers) -> None:
    try:
        message = decode(value, headers, max_bytes=2_000)
    except BadMessageError as error:
        told, reason = str(error), error.reason
    else:
        assert message.text.strip()
        # It is valid by its own schema, which constructing it does not check.
        assert msgspec.json.decode(encode(message), type=Message) == message
        return
    assert reason in get_args(Reason)
    assert told.startswith("news[3]@14: ")
    # What it tells is ours and in ASCII: neither the secret nor a byte of noise.
    assert told.isascii()
    assert told.isprintable()
    assert "Sq7" not in told


FIRST_MS = int(NOON.timestamp()) * 1000


@pytest.mark.parametrize(
    ("told", "time"),
    [
        ([b"%d" % FIRST_MS], NOON),
        ([b"%d" % (FIRST_MS + 5000), b"%d" % FIRST_MS, b"%d" % (FIRST_MS + 9000)], NOON),
        ([b"%d" % (int(KAFKA_TIME.timestamp()) * 1000 + 1)], KAFKA_TIME),
        ([b"9" * 400], KAFKA_TIME),
        ([b"-5"], KAFKA_TIME),
        ([b"soon"], KAFKA_TIME),
        ([b""], KAFKA_TIME),
        ([None], KAFKA_TIME),
    ],
)
def test_what_was_put_back_was_said_when_it_first_came(told: list[bytes | None], time: datetime) -> None:
    headers: Headers = [("trace", b"1"), *((FIRST_TIMESTAMP, content) for content in told)]
    assert decode(b'{"text": "x"}', headers).time == time


def test_a_time_of_its_own_goes_before_that_at_which_it_first_came() -> None:
    headers: Headers = [(FIRST_TIMESTAMP, b"%d" % (FIRST_MS - 60_000))]
    assert decode(dump(text="x", time="2024-04-03T12:00:00Z"), headers).time == NOON
    assert decode(dump(text="x"), [*BINARY, *headers]).time == NOON
