"""(a) What a user would write first: a consumer loop, a torch model for each task, JSON to a topic.

It is given every ease that costs it nothing: it neither waits for acknowledgements nor commits, and its tasks are read
of one set of tokens.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnxruntime
import torch

from benchmarks.support.real_messages import load_messages
from benchmarks.support.results import ROOT
from benchmarks.support.rooms import tell
from benchmarks.support.served_version import served_version
from benchmarks.support.torch_model import TorchModel
from models.tokens import TextTokenizer
from models.weights import resolve
from streams.brokers.client import consumer, producer
from streams.contract.settings import load_settings
from streams.contract.topics import predictions_topic

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kafka import KafkaConsumer
    from kafka.consumer.fetcher import ConsumerRecord
    from torch import Tensor

    from benchmarks.support.served_version import ServedVersion
    from models.manifest import Labels
    from models.tokens import EncodedText

_WARM_UP_TEXTS = 16
_SILENCE_SECONDS = 60.0


class TorchPipeline:
    """Texts to answers, a forward pass of the trunk for each task.

    Args:
        version: The served version, whose heads and tokeniser are taken.
    """

    def __init__(self, version: ServedVersion) -> None:
        base = resolve(version.manifest.lineage["base"], ROOT / load_settings().model.cache)
        self.labels: Labels = version.labels
        self._tokenizer = TextTokenizer(version.tokenizer, version.manifest.max_tokens)
        self._model = TorchModel(base.folder, version.graph)

    @torch.inference_mode()
    def read(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """Answers to all tasks, as they go into JSON."""
        encoded = self._tokenizer.encode(texts)
        tokens = self._tokenizer.pad(encoded)
        labels, model = self.labels, self._model
        answers: list[dict[str, Any]] = [{} for _ in texts]
        _choose(answers, "topic", labels.topics, model.topic_logits(tokens))
        _choose(answers, "sentiment", labels.sentiments, model.sentiment_logits(tokens))
        if labels.intents:
            _choose(answers, "intent", labels.intents, model.intent_logits(tokens))
        tags = model.entity_logits(tokens).argmax(dim=-1).tolist()
        vectors = model.embedding(tokens).tolist()
        for text, of_text, answer, row, vector in zip(texts, encoded, answers, tags, vectors, strict=True):
            answer["entities"] = _entities(text, of_text, [labels.entity_tags[tag] for tag in row])
            answer["embedding"] = vector
        return answers


def _choose(answers: list[dict[str, Any]], task: str, names: Sequence[str], logits: Tensor) -> None:
    for answer, scores in zip(answers, logits.softmax(dim=-1).tolist(), strict=True):
        answer[task] = names[scores.index(max(scores))]
        answer[f"{task}_scores"] = dict(zip(names, scores, strict=True))


def _entities(text: str, encoded: EncodedText, tags: Sequence[str]) -> list[dict[str, Any]]:
    """Words of one type side by side are one entity; a word has the tag of its first piece."""
    found: list[dict[str, Any]] = []
    word_before = open_type = None
    for word, (start, end), tag in zip(encoded.word_ids, encoded.offsets, tags, strict=False):
        if word is None:
            continue
        if word == word_before:
            if open_type:
                found[-1]["end"] = end
            continue
        word_before, (prefix, _, type_) = word, tag.partition("-")
        if prefix == "I" and type_ == open_type:
            found[-1]["end"] = end
        elif type_:
            found.append({"type": type_, "start": start, "end": end})
        open_type = type_
    return [entity | {"text": text[entity["start"] : entity["end"]]} for entity in found]


def _batches(reader: KafkaConsumer, count: int, size: int) -> Iterator[list[ConsumerRecord]]:
    """Records of the topics as they come, in full batches until the last."""
    waiting: list[ConsumerRecord] = []
    taken = 0
    heard = time.monotonic()
    while taken < count:
        waiting += [record for part in reader.poll(timeout_ms=200).values() for record in part]
        while len(waiting) >= size or (waiting and taken + len(waiting) >= count):
            batch, waiting = waiting[:size], waiting[size:]
            taken += len(batch)
            yield batch
            heard = time.monotonic()
        if time.monotonic() - heard > _SILENCE_SECONDS:
            raise TimeoutError(f"{taken} of {count} messages came, then none for {_SILENCE_SECONDS:g} s")


def _run(pipeline: TorchPipeline, count: int, size: int) -> tuple[float, dict[str, dict[str, Any]]]:
    """Messages a second from the first record to the last acknowledgement, and every answer by the message's id."""
    settings = load_settings()
    answers: dict[str, dict[str, Any]] = {}
    started = None
    with consumer(settings.kafka, group_id=settings.kafka.group_id) as reader, producer(settings.kafka) as sender:
        reader.subscribe(list(settings.topics.inputs))
        for records in _batches(reader, count, size):
            started = started or time.perf_counter()
            messages = [json.loads(record.value) for record in records]
            for message, answer in zip(messages, pipeline.read([message["text"] for message in messages]), strict=True):
                value = json.dumps({"id": message["id"], **answer}).encode()
                sender.send(predictions_topic(settings.topics), key=message["id"].encode(), value=value)
                answers[message["id"]] = answer
        sender.flush()
    seconds = time.perf_counter() - (started or 0.0)
    return count / seconds, answers


def _agreement(version: ServedVersion, texts: Sequence[str], answers: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Share of texts to which the served graph gives the same label: both are the same model, up to its precision."""
    tokenizer = TextTokenizer(version.tokenizer, version.manifest.max_tokens)
    session = onnxruntime.InferenceSession(version.graph, providers=["CPUExecutionProvider"])
    same = {"topic": 0, "sentiment": 0}
    names = {"topic": version.labels.topics, "sentiment": version.labels.sentiments}
    for text, answer in zip(texts, answers, strict=True):
        tokens = tokenizer.pad(tokenizer.encode([text]))
        for task in same:
            logits = session.run([f"{task}_logits"], tokens._asdict())[0][0]
            same[task] += names[task][int(logits.argmax())] == answer[task]
    return {task: count / len(texts) for task, count in same.items()}


def main() -> None:
    """Read a backlog that waits in the topics of the settings in force."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--registry", type=Path, required=True)
    parser.add_argument("--count", type=int, required=True, help="Messages in the backlog.")
    parser.add_argument("--batch", type=int, required=True, help="Messages in one forward pass.")
    given = parser.parse_args()
    version = served_version(given.registry)
    pipeline = TorchPipeline(version)
    texts = {message.id: message.text for message in load_messages(given.count)}
    warm = list(texts.values())[:_WARM_UP_TEXTS]
    for first in range(0, len(warm), given.batch):
        pipeline.read(warm[first : first + given.batch])
    rate, answers = _run(pipeline, given.count, given.batch)
    tell(
        {
            "messages_per_second": rate,
            "agreement": _agreement(version, list(texts.values()), [answers[name] for name in texts]),
        }
    )


if __name__ == "__main__":
    main()
