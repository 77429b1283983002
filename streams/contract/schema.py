"""JSON Schemas of the records and an AsyncAPI document of the topics, made from the structs and never written twice.

Sources: JSON Schema draft 2020-12, AsyncAPI 3.0.0, the Kafka bindings 0.5.0, CloudEvents 1.0.2.
"""

from __future__ import annotations

import copy
import inspect
import re
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import msgspec

from streams.contract.incoming import FIRST_TIMESTAMP, InputMessage
from streams.contract.records import Message
from streams.contract.schema_examples import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from msgspec import Struct

    from streams.contract.settings import KafkaSettings, Settings
    from streams.contract.topics import TopicSpec

Json = dict[str, Any]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_KAFKA_BINDING = "0.5.0"
# What the binding names, and what matters to who reads or writes: how a broker keeps its files does not.
_TOLD_CONFIG = ("cleanup.policy", "retention.ms", "max.message.bytes")
_SECURITY = {"PLAIN": "plain", "SCRAM-SHA-256": "scramSha256", "SCRAM-SHA-512": "scramSha512"}
_INPUT_NOTE = (
    "What a producer sends: only text is needed. What is absent is taken from the CloudEvent that wraps the message, "
    "then from Kafka: id from its place, time from its timestamp (of a dead letter that was put back, from the header "
    f"{FIRST_TIMESTAMP}), source from the topic. Other fields are ignored."
)
_INPUT_TIME = (
    "When it was said: ISO 8601 (UTC where it names no zone), or seconds, milliseconds or microseconds since 1970."
)


def record_name(record: type[Struct]) -> str:
    """Name of a record in files and documents: ``dead-letter`` for ``DeadLetter``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", record.__name__).lower()


def record_schemas(records: Iterable[type[Struct]]) -> dict[str, Json]:
    """A JSON Schema (draft 2020-12) for each record, by name; the Message's is that of what a producer sends."""
    return {record_name(record): _document(record) for record in dict.fromkeys(records)}


def asyncapi(settings: Settings, topics: list[TopicSpec]) -> Json:
    """The AsyncAPI 3.0 document of these topics under these settings."""
    kafka = settings.kafka
    schemas, components = _components([topic.record for topic in topics], "#/components/schemas/{name}")
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tocsin",
            "version": version("tocsin"),
            "description": "Live messages in; what a model reads in them out. Delivery is at least once: an output "
            "that is sent again has the same id.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {
                "host": kafka.bootstrap_servers.split(",")[0].strip(),
                "protocol": "kafka-secure" if kafka.security_protocol.endswith("SSL") else "kafka",
                "description": f"Brokers: {kafka.bootstrap_servers}; {kafka.security_protocol}.",
                **(
                    {"security": [{"type": _SECURITY[kafka.sasl_mechanism]}]}
                    if "SASL" in kafka.security_protocol
                    else {}
                ),
            }
        },
        "channels": {topic.name: _channel(topic) for topic in topics},
        "operations": {_operation_name(topic): _operation(topic, kafka) for topic in topics},
        "components": {
            "messages": {record_name(topic.record): _message(topic, schemas[topic.record]) for topic in topics},
            "schemas": components,
        },
    }


def _document(record: type[Struct]) -> Json:
    schemas, components = _components([record], "#/$defs/{name}")
    body = components.pop(schemas[record]["$ref"].rpartition("/")[2])
    document = {"$schema": _DIALECT, "$id": f"urn:tocsin:{record_name(record)}", **body, "examples": _examples(record)}
    return document | ({"$defs": components} if components else {})


def _components(records: Iterable[type[Struct]], template: str) -> tuple[dict[type[Struct], Json], Json]:
    """Schemas of the records, and of what they hold, with references by ``template``."""
    distinct = list(dict.fromkeys(records))
    schemas, components = msgspec.json.schema_components(distinct, ref_template=template)
    for component in components.values():
        if "description" in component:
            component["description"] = " ".join(inspect.cleandoc(component["description"]).replace("``", "`").split())
    if Message in distinct:
        components[Message.__name__] = _input_schema(components[Message.__name__])
    return dict(zip(distinct, schemas, strict=True)), components


def _input_schema(message: Json) -> Json:
    """The Message as a producer sends it: the types that are decoded, the words of the record."""
    accepted = msgspec.json.schema_components([InputMessage])[1][InputMessage.__name__]
    schema = copy.deepcopy(message)
    schema["description"] = _INPUT_NOTE
    schema["required"] = accepted["required"]
    for name, told in schema["properties"].items():
        if name not in accepted["required"]:
            schema["properties"][name] = {**accepted["properties"][name], "description": told["description"]}
    schema["properties"]["time"]["description"] = _INPUT_TIME
    return schema


def _examples(record: type[Struct]) -> list[Any]:
    return [msgspec.json.decode(msgspec.json.encode(example)) for example in EXAMPLES.get(record, [])]


def _channel(topic: TopicSpec) -> Json:
    name = record_name(topic.record)
    return {
        "address": topic.name,
        "description": topic.description,
        "servers": [{"$ref": "#/servers/kafka"}],
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "replicas": topic.replication,
                "topicConfiguration": {
                    key: _config_value(key, value) for key, value in topic.config.items() if key in _TOLD_CONFIG
                },
                "bindingVersion": _KAFKA_BINDING,
            }
        },
    }


def _config_value(key: str, value: str) -> str | int | list[str]:
    if key == "cleanup.policy":
        return value.split(",")
    return int(value) if value.lstrip("-").isdigit() else value


def _operation_name(topic: TopicSpec) -> str:
    return f"{'receive' if topic.is_input else 'send'}.{topic.name}"


def _operation(topic: TopicSpec, kafka: KafkaSettings) -> Json:
    group = {"groupId": _constant(kafka.group_id)} if topic.is_input else {}
    return {
        "action": "receive" if topic.is_input else "send",
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "summary": topic.description,
        "messages": [{"$ref": f"#/channels/{topic.name}/messages/{record_name(topic.record)}"}],
        "bindings": {
            "kafka": {**group, "clientId": _constant(kafka.client_id), "bindingVersion": _KAFKA_BINDING},
        },
    }


def _message(topic: TopicSpec, schema: Json) -> Json:
    name = record_name(topic.record)
    examples = [{"name": f"{name}-{number}", "payload": told} for number, told in enumerate(_examples(topic.record), 1)]
    return {
        "name": name,
        "title": topic.record.__name__,
        "contentType": "application/json",
        "headers": _cloud_event_headers(name, required=topic.is_event),
        "payload": schema,
        "bindings": {
            "kafka": {"key": {"type": "string", "description": f"Key: {topic.key}."}, "bindingVersion": _KAFKA_BINDING}
        },
        **({"examples": examples} if examples else {}),
    }


def _cloud_event_headers(name: str, *, required: bool) -> Json:
    """Headers of a binary-mode CloudEvent: on all that Tocsin sends, and understood on what it receives."""
    kind = _constant(f"tocsin.{name}") if required else {"type": "string"}
    properties = {
        "ce_specversion": _constant("1.0"),
        "ce_id": {"type": "string", "description": "Equal for an event that is sent again."},
        "ce_type": kind,
        "ce_source": {"type": "string", "format": "uri-reference"},
        "ce_time": {"type": "string", "format": "date-time"},
        "content-type": {"type": "string"},
    }
    return {"type": "object", "properties": properties} | ({"required": sorted(properties)} if required else {})


def _constant(value: str) -> Json:
    return {"type": "string", "const": value}
