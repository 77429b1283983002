"""The label that a person has given a message already, so that a new word does not take the old ones away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from streams.brokers.reading import read_key
from streams.contract.labels import Label, label_key
from streams.contract.topics import labels_topic

if TYPE_CHECKING:
    from streams.contract.settings import Settings
    from streams.desk.actions.office import Office

_decoder = msgspec.json.Decoder(Label)


def standing_label(office: Office, message_id: str, labeller: str) -> Label | None:
    """What a labeller has said of a message; None where nothing stands, or nothing that can be read.

    The topic is read only where the message has any label: one partition, which takes a moment. Hold ``office.alone``
    until what rests on it is written.

    Raises:
        BrokerError: No broker answers, or the view is being read again.
    """
    is_labelled = office.live.look_now(lambda view: view.labelling.is_labelled(message_id))
    if not is_labelled and message_id not in office.labelled:
        return None
    return latest_label(office.settings, message_id, labeller)


def latest_label(settings: Settings, message_id: str, labeller: str) -> Label | None:
    """What a labeller has said of a message, read from the topic; None as in ``standing_label``.

    Raises:
        BrokerUnreachableError: No broker answers.
    """
    value: bytes | None = None
    for record in read_key(settings, labels_topic(settings.topics), label_key(message_id, labeller)):
        value = record.value
    try:
        return None if value is None else _decoder.decode(value)
    except ValueError:
        return None


def put_label(office: Office, label: Label) -> None:
    """Write a label in the place of what its labeller said of its message before."""
    key = label_key(label.message_id, label.labeller)
    # Before it is known to be written: to look for one that is none costs a moment, to miss one loses it.
    office.labelled.put(label.message_id, None)
    office.writer.put(labels_topic(office.settings.topics), key, label)


def take_back(office: Office, label: Label) -> None:
    """Remove a label."""
    key = label_key(label.message_id, label.labeller)
    office.writer.put(labels_topic(office.settings.topics), key, None)
