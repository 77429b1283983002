"""MIND's form, in a small file that is not MIND's."""

from pathlib import Path

import pytest

from benchmarks.support.mind import load_mind
from benchmarks.support.real_messages import RealDataError

NEWS = [
    'N1\tharbour\tferries\tFerry "Osprey" is late.\tIt waits for fog to lift.\thttps://example.com/1\t[]\t[]',
    "N2\tharbour\tlocks\tLock closed\t\t\t[]\t[]",
    "N3\tweather\tfog\tFog tonight\tDrive slowly.\t\t[]\t[]",
]
BEHAVIORS = [
    "2\tU1\t11/12/2019 1:05:00 PM\tN2 N9 N3\tN1-1 N2-0",
    "1\tU2\t11/12/2019 9:00:00 AM\t\tN1-0 N3-1",
    "3\tU1\t11/13/2019 12:30:00 AM\tN2 N9 N3\tN3-0 N2-1",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "news.tsv").write_text("\n".join(NEWS) + "\n", encoding="utf-8")
    (tmp_path / "behaviors.tsv").write_text("\n".join(BEHAVIORS) + "\n", encoding="utf-8")
    return tmp_path


def test_news_are_items_with_text_topics_and_the_time_they_were_first_shown(folder: Path) -> None:
    items = {item.id: item for item in load_mind(folder).items}
    assert items["N1"].text == 'Ferry "Osprey" is late. It waits for fog to lift.'
    assert items["N1"].topics == ["harbour", "ferries"]
    assert items["N1"].url == "https://example.com/1"
    assert items["N2"].text == "Lock closed"
    assert f"{items['N1'].time:%d %H:%M} {items['N2'].time:%d %H:%M}" == "12 09:00 12 13:05"


def test_clicks_and_what_was_read_before_stand_in_order_of_time(folder: Path) -> None:
    """N9 is told of nowhere, and what was shown and not clicked is no behavior."""
    behaviors = load_mind(folder).behaviors
    assert [(behavior.user, behavior.item) for behavior in behaviors] == [
        ("U2", "N3"),
        ("U1", "N2"),
        ("U1", "N3"),
        ("U1", "N1"),
        ("U1", "N2"),
    ]
    assert {behavior.action for behavior in behaviors} == {"click"}
    assert [f"{behavior.time:%H:%M:%S}" for behavior in behaviors[1:4]] == ["13:04:57", "13:04:59", "13:05:00"]


def test_the_part_that_does_not_tell_clicks_is_read_too(folder: Path) -> None:
    (folder / "behaviors.tsv").write_text("1\tU1\t11/12/2019 9:00:00 AM\t\tN1 N3\n", encoding="utf-8")
    log = load_mind(folder)
    assert log.behaviors == []
    assert {item.id for item in log.items} == {"N1", "N2", "N3"}


def test_a_line_without_its_columns_is_told_with_its_place(folder: Path) -> None:
    (folder / "news.tsv").write_text(NEWS[0] + "\nN2\tharbour\n", encoding="utf-8")
    with pytest.raises(RealDataError, match=r"news\.tsv, line 2: 2 columns"):
        load_mind(folder)


def test_a_file_that_is_missing_or_empty_is_told(folder: Path) -> None:
    (folder / "behaviors.tsv").write_text("", encoding="utf-8")
    with pytest.raises(RealDataError, match="holds no impression"):
        load_mind(folder)
    (folder / "behaviors.tsv").unlink()
    with pytest.raises(RealDataError, match=r"behaviors\.tsv: No such file"):
        load_mind(folder)
