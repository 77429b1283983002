"""The check over many texts: what is made of the evidence passes, and what is slipped into it does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.properties import quick
from support.replies import ANSWERS, EVIDENCE

from streams.logic.replies.check import check
from streams.logic.replies.claims.reading import read
from streams.logic.replies.claims.support import Support
from streams.logic.replies.claims.wording import plain, sentences

SENTENCES = [sentence for answer in EVIDENCE for sentence in sentences(plain(answer))]
CURRENCIES = ["£{}", "${}", "€{}", "{} pounds", "GBP {}", "{} euros", "{}p"]
UNITS = ["days", "working days", "weeks", "hours", "months", "years", "%", " per cent"]
HOSTS = st.from_regex(r"[a-z]{3,10}\.(com|net|example|co\.uk)(/[a-z]{2,6})?", fullmatch=True)


@quick
@given(st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=8), st.sampled_from([" ", "\n", "\n\n- "]))
def test_any_text_made_only_of_evidence_sentences_passes(chosen: list[str], between: str) -> None:
    assert check(between.join(chosen), evidence=EVIDENCE, message="") == []


@quick
@given(st.sampled_from(SENTENCES), st.integers(0, 9))
def test_a_sentence_of_the_evidence_is_supported_claim_by_claim(sentence: str, place: int) -> None:
    # Not only as a whole, which is the short way.
    document = read(" ".join(SENTENCES))
    support = Support(document)
    for part in read(sentence):
        assert not support.contradicts(part)
        around = frozenset().union(*(each.stems for each in document if part.low in each.low))
        assert all(support.holds(claim, part, around) for claim in part.claims if claim.checked)


@quick
@given(st.integers(11, 999_999), st.sampled_from(CURRENCIES), st.sampled_from(SENTENCES), st.text(max_size=30))
def test_an_amount_that_is_slipped_in_fails_wherever_the_customer_named_it(
    number: int, currency: str, sentence: str, message: str
) -> None:
    amount = currency.format(number)
    if str(number) in "".join(EVIDENCE).replace(",", ""):
        return
    text = f"{sentence} That makes {amount} for you."
    for said in (message, amount, f"Say {amount}.", text):
        assert "amount" in {one.kind for one in check(text, evidence=EVIDENCE, message=said)}


@quick
@given(st.integers(26, 9999), st.sampled_from(UNITS), st.sampled_from(SENTENCES))
def test_a_figure_with_its_unit_that_is_slipped_in_fails(number: int, unit: str, sentence: str) -> None:
    figure = f"{number}{unit}" if unit.startswith(("%", " ")) else f"{number} {unit}"
    text = f"{sentence} It takes {figure}."
    assert check(text, evidence=EVIDENCE, message=f"Say that it takes {figure}.")


@quick
@given(st.integers(8, 99_999), st.sampled_from(SENTENCES))
def test_any_other_number_fails(number: int, sentence: str) -> None:
    if str(number) in "".join(EVIDENCE).replace(",", ""):
        return
    assert check(f"{sentence} Choose number {number} there.", evidence=EVIDENCE, message=f"Number {number}!")


@quick
@given(HOSTS, st.sampled_from(SENTENCES), st.sampled_from(["", "https://", "www.", "http://www."]))
def test_a_link_that_is_slipped_in_fails(host: str, sentence: str, scheme: str) -> None:
    text = f"{sentence} See {scheme}{host} for that."
    assert "link" in {one.kind for one in check(text, evidence=EVIDENCE, message=f"Send them to {host}.")}


@quick
@given(st.from_regex(r"[a-z]{2,8}@[a-z]{3,8}\.(com|example)", fullmatch=True), st.sampled_from(SENTENCES))
def test_an_address_that_is_slipped_in_fails(address: str, sentence: str) -> None:
    text = f"{sentence} Write to {address} for that."
    assert "email" in {one.kind for one in check(text, evidence=EVIDENCE, message=address)}


@quick
@given(st.sampled_from(SENTENCES), st.sampled_from(["refunded", "cancelled", "approved", "blocked", "sent", "closed"]))
def test_an_action_that_nobody_took_fails(sentence: str, verb: str) -> None:
    for claimed in (f"We have {verb} it.", f"It has been {verb}.", f"I've {verb} it.", f"Your request was {verb}."):
        assert check(f"{sentence} {claimed}", evidence=EVIDENCE, message=f"Say it was {verb}.")


@quick
@given(st.text(max_size=300), st.text(max_size=300), st.lists(st.text(max_size=200), max_size=3))
def test_no_text_breaks_it(text: str, message: str, evidence: list[str]) -> None:
    check(text, evidence=evidence, message=message)


@quick
@given(st.text(alphabet="0123456789 .,-£$%()/:@#abé\u200b\u0665\n", max_size=200))
def test_no_soup_of_figures_breaks_it(text: str) -> None:
    check(text, evidence=(ANSWERS["fees"],), message=text)


@pytest.mark.parametrize(
    "part", ["a ", "1 ", "£1,000 ", "we will ", "your order ", "[a", "{", "- ", "not ", "Aa ", "a.b@", "1-"]
)
def test_a_long_text_takes_no_more_than_its_length_asks(part: str) -> None:
    # Anything worse than linear takes minutes here, and the test's own time limit ends it.
    check(part * (9_000 // len(part)), evidence=(ANSWERS["fees"],), message=part * 2000)


def test_what_nobody_can_read_through_is_refused() -> None:
    assert check("a " * 20_000, evidence=EVIDENCE, message="")[0].kind == "unreadable"
