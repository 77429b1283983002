"""What is published about the topics is current, well-formed, and true of what is decoded."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from jsonschema import Draft202012Validator, ValidationError

from streams.cli.schema import documents
from streams.contract.incoming import BadMessageError, Record, decode_message
from streams.contract.schema import asyncapi, record_name, record_schemas
from streams.contract.settings import KafkaSettings, Settings, TopicsSettings
from streams.contract.topics import TopicSpec, all_topics

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def settings(clean_environment: None) -> Settings:
    return Settings()


@pytest.fixture
def specs(settings: Settings) -> list[TopicSpec]:
    return all_topics(settings)


@pytest.fixture
def document(settings: Settings, specs: list[TopicSpec]) -> dict[str, Any]:
    return asyncapi(settings, specs)


def validator(specs: list[TopicSpec], name: str) -> Draft202012Validator:
    return Draft202012Validator(record_schemas(spec.record for spec in specs)[name])


def test_what_is_committed_is_current(settings: Settings) -> None:
    made = documents(settings)
    for name, content in made.items():
        assert (DOCS / name).read_text(encoding="utf-8") == content, f"docs/{name} is out of date: make schema"
    assert {f"schemas/{path.name}" for path in (DOCS / "schemas").iterdir()} == {
        name for name in made if name.startswith("schemas/")
    }


def test_every_record_of_every_topic_has_a_schema_whose_examples_hold(specs: list[TopicSpec]) -> None:
    schemas = record_schemas(spec.record for spec in specs)
    assert schemas.keys() == {record_name(spec.record) for spec in specs}
    for name, schema in schemas.items():
        Draft202012Validator.check_schema(schema)
        assert schema["examples"], f"{name} has no example"
        for example in schema["examples"]:
            Draft202012Validator(schema).validate(example)


def test_the_examples_of_outputs_decode(specs: list[TopicSpec]) -> None:
    for spec in specs:
        if not spec.is_input:
            for example in record_schemas([spec.record])[record_name(spec.record)]["examples"]:
                msgspec.json.decode(json.dumps(example), type=spec.record)


@pytest.mark.parametrize(
    "payload",
    [
        {"text": "x"},
        {"text": "x", "time": "2026-03-02T08:00:00Z"},
        {"text": "x", "time": 1772438431},
        {"text": "x", "time": 1772438431.5, "id": 7},
        {"text": "x", "time": None, "author": None, "unknown": [1]},
        {},
        {"text": ""},
        {"text": 5},
        {"text": "x", "id": 1.5},
        {"text": "x", "time": [1]},
        {"text": "x", "author": {"name": "x"}},
        [],
    ],
)
def test_the_producers_schema_says_what_is_decoded(payload: object, specs: list[TopicSpec]) -> None:
    value = json.dumps(payload).encode()
    record = Record("news", 0, 0, datetime.now(UTC).timestamp(), None, value, [])
    try:
        decode_message(record, max_bytes=1000, max_chars=1000)
    except BadMessageError:
        with pytest.raises(ValidationError):
            validator(specs, "message").validate(payload)
    else:
        validator(specs, "message").validate(payload)


def references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


def resolve(document: dict[str, Any], reference: str) -> dict[str, Any]:
    place = document
    assert reference.startswith("#/")
    for part in reference[2:].split("/"):
        place = place[part]
    return place


def test_every_reference_resolves(document: dict[str, Any]) -> None:
    found = list(references(document))
    assert len(found) > 15
    assert all(resolve(document, reference) for reference in found)


def test_the_document_has_what_asyncapi_requires(document: dict[str, Any], specs: list[TopicSpec]) -> None:
    assert document["asyncapi"] == "3.0.0"
    assert document["info"].keys() >= {"title", "version"}
    assert all(server.keys() >= {"host", "protocol"} for server in document["servers"].values())
    assert document["channels"].keys() == {spec.name for spec in specs}
    assert {
        resolve(document, operation["channel"]["$ref"])["address"]: operation["action"]
        for operation in document["operations"].values()
    } == {spec.name: "receive" if spec.is_input else "send" for spec in specs}
    for operation in document["operations"].values():
        messages = resolve(document, operation["channel"]["$ref"])["messages"]
        assert [message["$ref"].rpartition("/")[2] for message in operation["messages"]] == list(messages)


def test_channels_tell_partitions_and_keeping(document: dict[str, Any], specs: list[TopicSpec]) -> None:
    for spec in specs:
        binding = document["channels"][spec.name]["bindings"]["kafka"]
        assert (binding["topic"], binding["partitions"]) == (spec.name, spec.partitions)
        kept = binding["topicConfiguration"]
        if "retention.ms" in spec.config:
            assert kept["retention.ms"] == int(spec.config["retention.ms"])
        else:
            assert kept["cleanup.policy"] == ["compact"]


def test_messages_tell_key_headers_and_payload(document: dict[str, Any], specs: list[TopicSpec]) -> None:
    messages = document["components"]["messages"]
    for spec in specs:
        message = messages[record_name(spec.record)]
        assert spec.key in message["bindings"]["kafka"]["key"]["description"]
        assert resolve(document, message["payload"]["$ref"])["title"] == spec.record.__name__
        assert ("ce_id" in message["headers"].get("required", [])) is spec.is_event
    assert messages["prediction"]["headers"]["properties"]["ce_type"]["const"] == "tocsin.prediction"


def test_the_document_follows_the_settings(clean_environment: None) -> None:
    settings = Settings(
        kafka=KafkaSettings(bootstrap_servers="k1:9093, k2:9093", security_protocol="SASL_SSL"),
        topics=TopicsSettings(prefix="desk.", inputs={"wire": "news"}, partitions=12),
    )
    document = asyncapi(settings, all_topics(settings))
    assert document["servers"]["kafka"]["host"] == "k1:9093"
    assert document["servers"]["kafka"]["protocol"] == "kafka-secure"
    assert document["servers"]["kafka"]["security"] == [{"type": "scramSha512"}]
    assert {"wire", "desk.predictions"} <= document["channels"].keys()
    assert document["channels"]["wire"]["bindings"]["kafka"]["partitions"] == 12
