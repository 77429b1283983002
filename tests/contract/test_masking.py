"""Personal data is found however it is written, and a figure of the finance pages is none."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.contract.masking import (
    find,
    mask,
    mask_beside,
    mask_bytes,
    mask_message,
    mask_places,
    mask_source,
    mask_value,
)
from streams.contract.records import Message

KEYCAP = "\ufe0f\u20e3"

FIGURES = [
    "FTSE 100 up 0.3% after 2019-2024 review",
    "Shares edge higher at the open, FTSE 100 at 8,291.68",
    "Full-year pretax profit rises to £84.2m from £71.0m, lifts final dividend 12%",
    "Results due 2026-03-02 08:00, call at 14:30 on 25.11.2025, AGM 12/11/2024 13/11/2024",
    "Charged 65 on 06102018 at 320 pm, and again 05252018 1522",
    "EUR/USD 1.0842 1.0851 1.0839 1.0845, USD/JPY 151.230 151.460",
    "Order 48213377 shipped, invoice 2024-00123, ticket #4155552671",
    "BTC 0.1234567891 at 67432.12345678",
    "Revenue of 2345678901 yen, volume 4155552671 shares, cap $4155552671",
    "1 234 567 890 EUR against 2 345 678 901 and 12 345 678 901",
    "Dividends 2019 2020 2021 2022 2023 2024: 1.10 1.15 1.20 1.25 1.30 1.35",
    "ISIN US0378331005, GB0002634946, CUSIP 037833100",
    "more @ reuters.com; buys 100 @ 12.50; $AAPL @ 187.20",
    "score 0.4111111111111111 and 0.5105105105105100",
    "id 550e8400-e29b-41d4-a716-446655440000 and a4155552671b13800138000cdef",
    "epoch 1732531200 and 1732531200123 took 1732531200.123456 s",
    "10-20-30-40 plan; 401(k) 2024/25; 24/7; 1-for-10 split; 9/11; 8-K",
    "+250 000 000 EUR and +1,200 jobs",
    "card 4111 1111 1111 1112 fails Luhn, GB82 WEST 1234 5698 7654 33 fails mod 97",
    "110105194912310021 fails its checksum, SSN 666-12-3456 was never issued",
    "population 1 050 345 678 in 2024, ratio 0,4155552671, turnover 4155552671m, 4155552671 CHF",
    "invoice no. 4155552671 of 12 345 678 901",
]

WRITTEN = [
    ("mail jane.doe+x@example.co.uk now", "mail [email] now"),
    ("jane.doe (at) example (dot) com", "[email]"),
    ("write to jane@example.com.", "write to [email]."),
    ("请把合同发到zhang_wei@example.cn谢谢", "请把合同发到[email]谢谢"),
    ("jane\uff20example.com", "[email]"),
    ("ja\u200bne@exam\u200bple.com", "[email]"),
    ("jane.doe @ example.com", "[email]"),
    ("call +44 20 7946 0958 now", "call [phone] now"),
    ("+44 20 7946 0958 +44 20 7946 0959", "[phone] [phone]"),
    ("+1 (415) 555-2671 / +49 (0)30 901820", "[phone] / [phone]"),
    ("(415) 555-2671 or 415.555.2671", "[phone] or [phone]"),
    ("4155552671 4155552672", "[phone] [phone]"),
    ("4 1 5 5 5 5 2 6 7 1", "[phone]"),
    ("+4 4 2 0 7 9 4 6 0 9 5 8", "[phone]"),
    ("020 7946 0958 020 7946 0959 020 7946 0957", "[phone] [phone] [phone]"),
    ("0044 20 7946 0958", "[phone]"),
    ("06 12 34 56 78", "[phone]"),
    ("98765 43210", "[phone]"),
    ("03-1234-5678", "[phone]"),
    ("手机13800138000找我, 座机010-62345678", "手机[phone]找我, 座机[phone]"),
    ("138 0013 8000", "[phone]"),
    ("CALL ME AT 415-555-2671 NOW", "CALL ME AT [phone] NOW"),
    ("p: 415-555-2671 m: 415-555-2672", "p: [phone] m: [phone]"),
    ("my mobile no. 9876543210, contact no.020 7946 0958", "my mobile no. [phone], contact no.[phone]"),
    ("Jane,Roe,415-555-2671,x", "Jane,Roe,[phone],x"),
    ("called on 2024-05-06 415-555-2671", "called on 2024-05-06 [phone]"),
    ("San Francisco, CA 94105 (415) 555-2671", "San Francisco, CA 94105 [phone]"),
    ("flat 3 020 7946 0958 2 rings", "flat 3 [phone] 2 rings"),
    ("10115 030 901820", "10115 [phone]"),
    ("415-555-2671 94105 1-415-555-2672", "[phone] 94105 [phone]"),
    ("order 12345 9876543210", "order 12345 [phone]"),
    ("\uff11\uff13\uff18\uff10\uff10\uff11\uff13\uff18\uff10\uff10\uff10", "[phone]"),
    ("card 4111 1111 1111 1111 exp 12/27", "card [card] exp 12/27"),
    ("4111-1111-1111-1111", "[card]"),
    ("4111.1111.1111.1111", "[card]"),
    ("4111\u200b1111\u200b1111\u200b1111", "[card]"),
    ("4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "[card]"),
    ("\uff14\uff11\uff11\uff11\u30001111\u00a01111\u20091111", "[card]"),
    ("4" + KEYCAP + ("1" + KEYCAP) * 15 + " ok", "[card] ok"),
    ("3782 822463 10005 and 6222 0212 3456 7890 128", "[card] and [card]"),
    ("GB82 WEST 1234 5698 7654 32 please", "[iban] please"),
    ("gb82west12345698765432", "[iban]"),
    ("IBAN:DE89-3704-0044-0532-0130-00.", "IBAN:[iban]."),
    ("SSN 536904399, that is 536-90-4399 or 536 90 4399", "SSN [ssn], that is [ssn] or [ssn]"),
    ("身份证\uff1a110105-19491231-002X号", "身份证\uff1a[id]号"),
    ("360426199101010071", "[id]"),
    ("1101051949123100 2x", "[id]"),
]

HOSTILE = [
    "1" * 100_000,
    "1 " * 10_000,
    "4 " * 10_000,
    "4155552671 " * 2_000,
    "2 345 678 901 " * 1_500,
    "02079460958 " * 2_000,
    "a" * 100_000 + "1234567@",
    "a@" * 10_000,
    "a.a@a." * 4_000,
    "gb82" * 5_000,
    "+4 " * 10_000,
    "(" * 100_000 + "1234567",
    "02 " * 10_000,
    "12 020 7946 095 " * 1_500,
    '{"author": "@ x", "text": "' + " " * 100_000 + '"}',
    json.dumps({"author": " ".join(f"Abc{number}" for number in range(30_000)), "text": "Abx zq " * 10_000}),
    json.dumps({"author": [f"Abc{number}" for number in range(10_000)], "text": "Abx zq " * 10_000}),
    '"author":"\\' * 5_000,
]


@pytest.mark.parametrize("text", FIGURES)
def test_figures_are_left_as_they_are(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize(("text", "masked"), WRITTEN)
def test_personal_data_is_masked_however_it_is_written(text: str, masked: str) -> None:
    assert mask(text) == masked


def test_places_are_those_of_the_text_as_it_came() -> None:
    text = "x\u200b\u200b jane@example.com, 4111\u200b1111 1111 1111."
    assert [(item.kind, text[item.start : item.end]) for item in find(text)] == [
        ("email", "jane@example.com"),
        ("card", "4111\u200b1111 1111 1111"),
    ]


def test_handles_are_masked_only_where_asked() -> None:
    assert mask("thanks @gilt_trip!") == "thanks @gilt_trip!"
    assert mask("thanks @gilt_trip! jane@example.com", handles=True) == "thanks [user]! [email]"


@given(st.text(max_size=200), st.booleans())
def test_any_text_is_masked_without_error_and_what_is_found_does_not_overlap(text: str, handles: bool) -> None:
    found = find(text, handles=handles)
    ends = [0]
    for item in found:
        assert ends[-1] <= item.start < item.end <= len(text)
        ends.append(item.end)
    assert mask(text, handles=handles).count("[") >= len(found)


@given(st.sampled_from(["4111 1111 1111 1111", "jane.doe@example.com", "DE89370400440532013000"]), st.text(), st.text())
def test_what_stands_around_a_piece_does_not_hide_it(piece: str, before: str, after: str) -> None:
    assert piece not in mask(f"{before}\n: {piece} ;\n{after}")


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:14])
def test_time_is_linear_in_the_length(text: str) -> None:
    started = time.perf_counter()
    mask_bytes(text.encode())
    assert time.perf_counter() - started < 20  # under a second; a quadratic search takes minutes


def message(**fields: str) -> Message:
    return Message(**{"id": "1", "source": "x", "time": datetime.now(UTC), **fields})


@pytest.mark.parametrize(
    ("author", "text", "masked"),
    [
        ("Hanneke Vos", "My name is hanneke vos. Regards, Hanneke", "My name is [author]. Regards, [author]"),
        ("Will Payne", "I will pay, Will", "I will pay, [author]"),
        ("@gilt_trip", "gilt_trip here, ask @gilt_trip", "[author] here, ask [user]"),
        ("张伟", "我是张伟\uff0c请回电", "我是[author]\uff0c请回电"),
        ("Ann", "Annual results, Ann", "Annual results, [author]"),
        ("The Fool", "The rally is over", "The rally is over"),
        ("sean o'neil", "Sean  O\u2019Neil,\nsean\nO'Neil", "[author],\n[author]"),
        ("Jane-Marie Roe", "Jane\u2011Marie here", "[author] here"),
        ("Jos\u00e9 Garc\u00eda", "Jose\u0301 was here", "[author] was here"),
        ("Jose\u0301 Garci\u0301a", "Jos\u00e9 was here", "[author] was here"),
        ("Zoe\u0301", "Zoe\u0301tropes", "Zoe\u0301tropes"),
    ],
)
def test_the_authors_name_is_masked_in_the_text(author: str, text: str, masked: str) -> None:
    told = mask_message(message(author=author, text=text))
    assert (told.text, told.author) == (masked, "[author]")


def test_the_user_is_masked_and_what_is_absent_stays_absent() -> None:
    told = mask_message(message(user="u-8812", text="This is u-8812, mail j@example.com"))
    assert (told.text, told.user, told.author) == ("This is [user], mail [email]", "[user]", None)


def test_a_name_without_end_is_masked_all_the_same() -> None:
    user = "u-" + "8f3a" * 500
    assert mask_message(message(user=user, text=f"I am {user}, hello")).text == "I am [user] hello"


def test_a_record_is_masked_through_its_escapes() -> None:
    value = json.dumps({"text": "张伟: jane@example.com", "author": "张伟", "user": None, "n": 7}).encode()
    assert "\\u5f20" in value.decode()
    assert json.loads(mask_bytes(value)) == {"text": "[author]: [email]", "author": "[author]", "user": None, "n": 7}


@pytest.mark.parametrize(
    ("content", "masked"),
    [
        (None, ""),
        (b"\xff jane@example.com", "\ufffd [email]"),
        (b'{"author": "Jane Roe", "text": "Jane Ro', '{"author": "[author]", "text": "[author] Ro'),
        (b'{"text": "x", "author": "Jane R', '{"text": "x", "author": "[author]'),
        (b'{"user": 8812345, "text": "8812345', '{"user": [user], "text": "[user]'),
    ],
)
def test_bytes_that_are_no_record_are_masked_too(content: bytes | None, masked: str) -> None:
    assert mask_bytes(content) == masked


def test_whom_a_record_tells_of_in_several_fields_is_masked_too() -> None:
    value = json.dumps(
        {"author": {"name": ["Jane Roe"], "age": 7}, "text": "Jane Roe, 7 of u-8", "user": {"id": "u-8"}}
    )
    assert json.loads(mask_bytes(value.encode())) == {
        "author": {"name": ["[author]"], "age": 7},
        "text": "[author], 7 of [user]",
        "user": {"id": "[user]"},
    }


def test_a_record_that_names_hundreds_is_masked_word_by_word() -> None:
    value = json.dumps({"author": [f"Jane Roe{number}" for number in range(200)], "text": "Jane and ROE7, not Roe"})
    assert json.loads(mask_bytes(value.encode()))["text"] == "[author] and [author], not Roe"


def test_a_key_and_a_text_are_masked_by_the_record_that_they_are_of() -> None:
    value = b'{"user": "jane.roe", "author": "Jane \\"J\\" Roe"}'
    assert mask_bytes(b"news/jane.roe", beside=value) == "news/[user]"
    assert mask_bytes(b"\xffjane.roe", beside=b'{"user": "jane.roe", "te') == "\ufffd[user]"
    assert mask_beside('Jane "J" Roe, jane.roe, ann@example.com', value) == "[author], [user], [email]"
    assert mask_beside("Jane", b"\xff") == "Jane"


def test_whom_the_end_of_a_record_names_is_masked_at_its_beginning() -> None:
    value = b'{"text": "Jane Roe' + b" and so on" * 1000 + b'", "author": "Jane Roe"}'
    assert mask_bytes(value, limit=25) == '{"text":"[author] and so '


def test_values_are_masked_however_deep_and_numbers_stay() -> None:
    value = {"to": ["a@example.com", ("b@example.com", 4111111111111111)], "ok": True, "raw": b"c@example.com"}
    assert mask_value(value) == {"to": ["[email]", ["[email]", 4111111111111111]], "ok": True, "raw": "[email]"}


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("chat of Mara Lindqvist", "chat of [author]"),
        ("chat of mara lindqvist", "chat of [author]"),
        ("box-c17", "box-[user]"),
        ("mara@example.com", "[email]"),
        ("\uff20mara_l", "[user]"),
        ("chat of @c17", "chat of [user]"),
        ("mailbox", "mailbox"),
    ],
)
def test_a_customers_source_names_nobody(source: str, shown: str) -> None:
    time = datetime(2026, 3, 2, tzinfo=UTC)
    message = Message(id="m", text="Hello", source=source, time=time, author="Mara Lindqvist", user="@c17")
    assert mask_source(message, "customer") == shown


@pytest.mark.parametrize("source", ["dm:@jane_doe", "dm/@jane_doe"])
def test_a_handle_in_a_customers_source_is_masked_though_nobody_is_named(source: str) -> None:
    assert mask_source(message(text="Hello", source=source), "customer") == f"{source[:3]}[user]"
    assert mask_source(message(text="Hello", source=source), "social") == source


def test_an_agency_that_writes_itself_is_named() -> None:
    time = datetime(2026, 3, 2, tzinfo=UTC)
    message = Message(id="m", text="Hello", source="Example Wire", time=time, author="Example Wire")
    assert mask_source(message, "news") == "Example Wire"


def test_places_move_with_the_text_around_them() -> None:
    text = "Ann Lee <ann@example.com>: Acme owes @sam and Ann 4111 1111 1111 1111, says Beta"
    message = Message(
        id="m", text=text, source="s", time=datetime(2026, 3, 2, tzinfo=UTC), author="Ann Lee", user="sam"
    )
    names = ["Acme", "Beta", "Ann Lee", "example.com", "owes @sam"]
    places = [(text.index(name), text.index(name) + len(name)) for name in names]
    masked, moved = mask_places(message, places)
    assert masked == mask_message(message).text == "[author] <[email]>: Acme owes [user] and [author] [card], says Beta"
    found = [None if place is None else masked[slice(*place)] for place in moved]
    assert found == ["Acme", "Beta", None, None, None]


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_place_that_is_not_masked_keeps_its_text(before: str, after: str) -> None:
    text = f"{before} \u2020Acme\u2020 {after}"
    message = Message(id="m", text=text, source="s", time=datetime(2026, 3, 2, tzinfo=UTC), author="Zoe Lone")
    start = text.index("\u2020Acme\u2020")
    masked, (place,) = mask_places(message, [(start, start + 6)])
    assert place is None or masked[slice(*place)] == "\u2020Acme\u2020"
