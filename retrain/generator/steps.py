"""A training run of the generator, from labels and documents to a decision: the job of the encoder, with other steps.

The check that guards replies is handed in by whoever starts the run, since retraining knows nothing of it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
from fsspec.implementations.local import LocalFileSystem
from tokenizers import Tokenizer

from models import atomic
from models.answers.index import AnswerIndex
from models.generator.bootstrap import lineage
from models.generator.chat import Chat
from models.generator.export import write_files
from models.generator.runtime import Generator
from models.generator.weights import find, load
from models.registry import Registry
from models.runtime import Encoder
from retrain.generator.finetune import finetune
from retrain.generator.gate import decide
from retrain.generator.judging import judge, parted
from retrain.generator.lessons import lessons
from retrain.generator.options import TuningOptions
from retrain.generator.pairs import Pair, Pairs, pairs_of, split
from retrain.generator.report import Exported, GeneratorReport, write_report
from retrain.job import Job
from retrain.label_topic import read_labels
from retrain.messenger import KafkaMessenger
from streams.brokers.reading import read_all
from streams.contract.decoding import JsonDecoder
from streams.contract.domain import load_domain
from streams.contract.replies import Document
from streams.contract.topics import documents_topic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from kafka.consumer.fetcher import ConsumerRecord

    from retrain.generator.finetune import TunedGenerator
    from retrain.generator.judging import JudgedReplies
    from retrain.generator.lessons import Refuses
    from streams.contract.settings import Settings

    Tell = Callable[[str, int, int], None]

_PAIRS = "pairs.json"
_EMBEDDED_AT_ONCE = 16

_document = JsonDecoder(Document)


def job(settings: Settings, tell: Tell, refuses: Refuses) -> Job[Pairs, TunedGenerator, JudgedReplies]:
    """The run as these settings have it.

    Args:
        settings: The application's.
        tell: Told of a stage's name, and how much of it is done, of how much.
        refuses: The check.

    Raises:
        VersionError: The registry cannot be opened.
    """
    registry = Registry.of(settings.model)
    named = settings.model_copy(
        update={
            "model": settings.model.model_copy(update={"name": settings.generator.name}),
            # No worker lets a generator write in the shadow of another, so that a challenger would wait for ever.
            "swap": settings.swap.model_copy(update={"shadow": False}),
        }
    )
    work = GeneratorWork(settings, registry, tell, refuses)
    return Job(named, registry, work, KafkaMessenger(named, registry), decide=decide, kind="generator")


class GeneratorWork:
    """The steps that take time; as ``retrain.work.Work`` has them.

    Args:
        settings: The application's.
        registry: Where versions are.
        tell: Told of progress.
        refuses: The check.
    """

    def __init__(self, settings: Settings, registry: Registry, tell: Tell, refuses: Refuses) -> None:
        self._settings = settings
        self._registry = registry
        self._tell = tell
        self._refuses = refuses
        replies = load_domain(settings.domain).replies
        self._tone, self._company = replies.tone, replies.company or None

    def data(self, champion: Path, folder: Path) -> Pairs:  # noqa: ARG002  it begins from the base, not from what serves
        """Pairs of all labels and documents; those that lie in the folder, where a killed run left them there."""
        kept = folder / _PAIRS
        if kept.exists():
            return Pairs.decode(kept.read_bytes())
        self._tell("labels and documents", 0, 1)
        found = read_labels(self._settings)
        documents = collect(read_all(self._settings, documents_topic(self._settings.topics)))
        pairs = split(pairs_of(found.labels, documents), found.offsets, [one for one in documents if not one.question])
        atomic.write(LocalFileSystem(), str(kept), pairs.encode())
        self._tell("labels and documents", 1, 1)
        return pairs

    def finetune(self, dataset: Pairs, folder: Path) -> TunedGenerator:
        """The tuned generator; from the base anew, so that what was learnt before cannot be forgotten."""
        generator = self._settings.generator
        base = load(find(generator.base, self._settings.model.cache))
        # A copy: a chat changes its tokenizer, and the base's goes with the version as it is.
        chat = Chat(Tokenizer.from_str(base.tokenizer.to_str()), base.form)
        index = self._index(dataset)
        train, validation = (
            lessons(pairs, index, chat, self._settings, self._refuses, tone=self._tone, company=self._company)
            for pairs in (dataset.train, dataset.validation)
        )
        options = TuningOptions.of(self._settings.retrain)
        return finetune(base, chat.end, train, validation, options, self._tell, folder)

    def export(self, tuned: TunedGenerator, dataset: Pairs, out: Path) -> Exported:
        """Write the candidate's files, in the precision of ``generator.precision``."""
        generator = self._settings.generator
        self._tell("export", 0, 1)
        config = write_files(tuned.base, out, generator.precision)
        report = GeneratorReport(
            domain=load_domain(self._settings.domain).name,
            base=tuned.base.files.name,
            precision=generator.precision,
            options=tuned.options,
            pairs={part: len(getattr(dataset, part)) for part in ("train", "validation", "frozen")},
            history=tuned.history,
        )
        write_report(report, out)
        self._tell("export", 1, 1)
        return Exported(
            precision=generator.precision,
            max_tokens=config.context,
            width=tuned.base.llama.sizes.hidden_size,
            metrics=report.metrics,
            lineage=lineage(tuned.base.files) | {"domain": report.domain, "seed": tuned.options.seed},
        )

    def judge(self, champion: Path, candidate: Path, dataset: Pairs) -> tuple[JudgedReplies, JudgedReplies]:
        """Both versions' replies to the pairs that are kept."""
        self._tell("judging", 0, 1)
        settings = self._settings.generator
        writers = [Generator.load(folder, threads=0, batch=settings.batch) for folder in (champion, candidate)]
        asked, shown = parted(dataset.frozen)
        of_champion, of_candidate = judge(
            writers,
            asked,
            self._index(dataset, shown),
            self._encoder().embed,
            self._settings,
            self._refuses,
            tone=self._tone,
            company=self._company,
        )
        self._tell("judging", 1, 1)
        return of_champion, of_candidate

    def _index(self, dataset: Pairs, shown: Sequence[Pair] = ()) -> AnswerIndex:
        """What replies are drawn from: all but the pairs that are kept, and of these the ones that may be shown."""
        encoder = self._encoder()
        index = AnswerIndex(encoder.embed, encoder.embedder_sha256)
        now = datetime.now(UTC)
        index.put([*(pair.document(now) for pair in (*dataset.train, *dataset.validation, *shown)), *dataset.pages])
        return index

    def _encoder(self) -> Encoder:
        """The encoder that serves: its vectors find the evidence."""
        model = self._settings.model
        _, folder = self._registry.resolve_and_fetch(model.name, model.alias, model.cache)
        return Encoder.load(folder, threads=0, sub_batch=_EMBEDDED_AT_ONCE)


def collect(records: Iterable[ConsumerRecord]) -> list[Document]:
    """The documents that stand after these records, by id; what is none is left out."""
    standing: dict[bytes, Document] = {}
    for record in records:
        if record.key is None:
            continue
        standing.pop(record.key, None)
        if record.value is not None:
            try:
                standing[record.key] = _document.decode(record.value)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                continue
    return sorted(standing.values(), key=lambda document: document.id)
