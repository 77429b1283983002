"""Pages are cut where a reader would, nothing is lost, and nothing is said twice without need."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from models.answers.passages import Passage, cut


def numbered(first: int, last: int) -> str:
    return " ".join(f"w{number}" for number in range(first, last))


def sentences(count: int, words: int) -> str:
    return " ".join(f"S{number} {numbered(1, words - 1)} end." for number in range(count))


def test_headings_part_a_page_and_are_kept_with_what_stands_under_them() -> None:
    page = "Before.\n\n## Fees\n\nNone.\n\nReally.\n\n### Abroad ###\n2%.\n\n## Nothing\n\n## Limits\n- a\n- b\n"
    assert cut(page) == [
        Passage("", "Before."),
        Passage("Fees", "None.\n\nReally."),
        Passage("Abroad", "2%."),
        Passage("Limits", "- a\n- b"),
    ]
    assert cut("## Only\n\n# Headings") == cut("") == cut(" \n \n") == []


def test_short_paragraphs_stay_together_and_are_parted_between_them() -> None:
    paragraphs = [numbered(100 * number, 100 * number + 40) for number in range(5)]
    found = [text for _, text in cut("\n\n".join(paragraphs))]
    assert found == ["\n\n".join(paragraphs[:3]), "\n\n".join(paragraphs[3:])]


def test_what_is_left_is_shared_out_and_no_crumb_remains() -> None:
    paragraphs = [numbered(100 * number, 100 * number + 20) for number in range(6)]
    sizes = [len(text.split()) for _, text in cut("\n\n".join([*paragraphs, "And one more word."]))]
    assert len(sizes) == 1 or min(sizes) >= 40
    assert sum(sizes) == 124


def test_a_long_list_is_parted_between_its_lines() -> None:
    lines = [f"- {numbered(100 * number, 100 * number + 29)}" for number in range(8)]
    found = [text for _, text in cut("\n".join(lines))]
    assert "\n".join(found) == "\n".join(lines)
    assert all(60 <= len(text.split()) <= 120 for text in found)


def test_a_long_paragraph_is_parted_between_sentences_and_the_last_one_is_said_again() -> None:
    found = [text for _, text in cut(sentences(12, 25))]
    assert len(found) >= 3
    for before, after in pairwise(found):
        last = before.rpartition("end. ")[2]
        assert after.startswith(last)
        assert len(after.split()) <= 120


def test_a_sentence_without_end_is_cut_all_the_same() -> None:
    assert [len(text.split()) for _, text in cut(numbered(0, 250))] == [100, 100, 50]
    (heading, first), *_ = cut("# 规则\n\n" + "银行卡" * 200)
    assert (heading, len(first)) == ("规则", 200)


@given(st.text(alphabet="ab.#\n -", max_size=400))
def test_every_word_of_any_page_is_in_a_passage(page: str) -> None:
    kept = " ".join(f"{passage.heading} {passage.text}" for passage in cut(page))
    headed = [line for line in page.splitlines() if not line.strip().startswith("#")]
    assert {word for line in headed for word in line.split()} <= set(kept.split())
