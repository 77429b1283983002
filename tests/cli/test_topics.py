from __future__ import annotations

import json
from typing import TYPE_CHECKING

from support.processes import run_tocsin, settings_env

from streams.contract.topics import all_topics

if TYPE_CHECKING:
    from streams.contract.settings import Settings


def _run(settings: Settings, *args: str) -> tuple[int, str, str]:
    with run_tocsin(["topics", *args], settings_env(settings)) as process:
        return process.wait(), process.stdout, process.stderr


def _rows(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_create_makes_every_topic_once(unmade_settings: Settings) -> None:
    specs = all_topics(unmade_settings)
    code, out, err = _run(unmade_settings, "create", "--json")
    assert (code, err) == (0, "")
    assert _rows(out) == [
        {"name": spec.name, "outcome": "created", "partitions": spec.partitions, "warning": None} for spec in specs
    ]
    code, out, _ = _run(unmade_settings, "create")
    assert code == 0
    assert all(spec.name in out for spec in specs)
    assert out.count("exists") == len(specs)


def test_create_warns_of_another_partition_count(stream_settings: Settings) -> None:
    wider = stream_settings.topics.model_copy(update={"partitions": 8})
    code, out, err = _run(stream_settings.model_copy(update={"topics": wider}), "create", "--json")
    assert code == 0
    narrow = {spec.name for spec in all_topics(stream_settings) if spec.partitions == 1}
    assert {row["partitions"] for row in _rows(out) if row["name"] not in narrow} == {4}
    assert "has 4 partitions and the settings say 8" in err.replace("\n", " ")


def test_list_tells_whose_they_are(stream_settings: Settings) -> None:
    code, out, err = _run(stream_settings, "list", "--json")
    assert (code, err) == (0, "")
    roles = {row["name"]: row["role"] for row in _rows(out)}
    for spec in all_topics(stream_settings):
        assert roles[spec.name] == ("input" if spec.is_input else "output")


def test_list_tells_what_is_missing(unmade_settings: Settings) -> None:
    code, _, err = _run(unmade_settings, "list")
    assert code == 0
    assert "tocsin topics create" in err.replace("\n", " ")
    assert all(spec.name in err for spec in all_topics(unmade_settings))


def test_describe_tells_partitions_and_configuration(stream_settings: Settings) -> None:
    spec = next(one for one in all_topics(stream_settings) if "retention.ms" in one.config)
    code, out, err = _run(stream_settings, "describe", spec.name, "--json")
    assert (code, err) == (0, "")
    (row,) = _rows(out)
    assert row["name"] == spec.name
    assert [part["partition"] for part in row["partitions"]] == [0, 1, 2, 3]  # type: ignore[attr-defined]
    assert row["config"]["retention.ms"] == spec.config["retention.ms"]  # type: ignore[index]
    code, out, _ = _run(stream_settings, "describe")
    assert code == 0
    assert all(one.name in out for one in all_topics(stream_settings))
    assert f"retention.ms={spec.config['retention.ms']}" in out


def test_describe_of_an_unknown_topic_finds_nothing(stream_settings: Settings) -> None:
    code, out, err = _run(stream_settings, "describe", "no-such-topic", "--json")
    assert (code, out) == (3, "")
    assert "no-such-topic" in err


def test_no_broker_is_an_error_in_a_line(clean_environment: None) -> None:
    with run_tocsin(["--bootstrap-servers", "127.0.0.1:1", "topics", "list"], {}) as process:
        assert process.wait() == 1
        assert "no broker lets us in at 127.0.0.1:1" in process.stderr.replace("\n", " ")
        assert "Traceback" not in process.stderr
