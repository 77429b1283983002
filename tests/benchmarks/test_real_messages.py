import json
from pathlib import Path

import pytest

from benchmarks.support.real_messages import RealDataError, data_folder, load_messages


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The data folder's layout with a few invented lines, the earlier ones later in the file."""
    files = {
        "streams/news_headlines/headlines.csv": [
            "published_at,source,headline,description",
            '2020-01-02,gazette,"Second, with a comma",',
            "2020-01-01 09:30,courier,First,",
            "2020-01-03,gazette,Third,",
            "2020-01-03,gazette, ,",
        ],
        "streams/airline_tweets/airline_tweets.csv": [
            "created_at,text",
            '2015-02-16T23:36:05-08:00,"late\npost"',
            "2015-02-16T23:36:05-07:00,an hour before",
            "2015-02-17T23:36:05-08:00,the day after",
        ],
        "service/banking77/train.csv": ["text,category", "where is my card?,card"],
        "service/banking77/test.csv": ["text,category", "why was I charged?,fee"],
    }
    head = "conversationId\tturnNumber\tutteranceId\tutterance\tslot-labels\tintent"
    for part in ("train", "dev", "test"):
        files[f"service/multidogo_finance/finance_turn_{part}.tsv"] = [head, f'c\t0\tu\tsaid "{part}\tO\tgreeting']
    for name, lines in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


def test_messages_arrive_in_turn_and_by_their_own_time(folder: Path) -> None:
    messages = load_messages(9, folder)
    assert [message.kind for message in messages] == ["news", "social", "customer"] * 3
    assert [message.text for message in messages[::3]] == ["First", "Second, with a comma", "Third"]
    assert [message.text for message in messages[1::3]] == ["an hour before", "late\npost", "the day after"]
    # Questions and chats by turns, spread over all five of them.
    assert [message.text for message in messages[2::3]] == ["where is my card?", 'said "train', 'said "dev']
    assert [message.id for message in messages] == [str(number) for number in range(9)]


def test_few_are_as_mixed_as_many_and_always_the_same(folder: Path) -> None:
    few = load_messages(4, folder)
    assert few == load_messages(4, folder)
    assert {message.kind for message in few} == {"news", "social", "customer"}
    assert len(few) == 4


def test_a_message_is_json_with_what_the_data_tells(folder: Path) -> None:
    news, _, customer = load_messages(3, folder)
    assert json.loads(news.encode()) == {"id": "0", "text": "First", "source": "courier", "time": "2020-01-01 09:30"}
    assert json.loads(customer.encode()) == {"id": "2", "text": "where is my card?", "source": "form"}


def test_more_than_there_are(folder: Path) -> None:
    with pytest.raises(RealDataError, match="4 messages of one kind are asked for, and there are 3"):
        load_messages(12, folder)


def test_a_file_that_is_not_there(folder: Path) -> None:
    (folder / "service/banking77/test.csv").unlink()
    with pytest.raises(RealDataError, match=r"test\.csv: No such file"):
        load_messages(3, folder)


def test_no_folder_is_told_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(RealDataError, match="Set TOCSIN_DATA"):
        data_folder()
