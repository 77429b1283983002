"""The job's real steps, put together out of the parts that do them.

They need the ``retrain`` extra; all methods but ``heads`` need the ``train`` extra, and torch with it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING

from fsspec.implementations.local import LocalFileSystem

from models import atomic, manifest
from models.base_files import TOKENIZER
from models.bert import load_trunk, open_tokenizer
from models.manifest import Labels
from models.registry import Registry
from models.runtime import LABELS, Encoder
from models.tokens import TextTokenizer
from models.weights import resolve
from retrain.candidate import export
from retrain.dataset import build
from retrain.dataset import read as read_dataset
from retrain.gate import decide
from retrain.heads_alone import fit_heads_alone
from retrain.job import Job
from retrain.judging import judge
from retrain.label_topic import read_labels
from retrain.messenger import KafkaMessenger
from retrain.snapshot import SNAPSHOT
from streams.contract.domain import load_domain
from streams.contract.examples import load_seed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from retrain.candidate import Exported
    from retrain.dataset import Dataset
    from retrain.judged import Judged
    from retrain.tuned import Tuned
    from streams.contract.settings import Settings

    Tell = Callable[[str, int, int], None]

_TRAINING = "training"


def job(settings: Settings, tell: Tell) -> Job[Dataset, Tuned, Judged]:
    """The job as these settings have it.

    Args:
        settings: The application's.
        tell: Told of a stage's name, and how much of it is done, of how much.

    Raises:
        VersionError: The registry cannot be opened.
        ModuleNotFoundError: ``retrain.method`` needs torch, and it is not installed.
    """
    # At once, and not after the data are read: nothing of such a run could come to anything.
    if settings.retrain.method != "heads":
        for name in ("torch", "transformers"):
            if find_spec(name) is None:
                raise ModuleNotFoundError(f"retrain.method = {settings.retrain.method} needs {name}", name=name)
    registry = Registry.of(settings.model)
    return Job(settings, registry, _Work(settings, tell), KafkaMessenger(settings, registry), decide=decide)


class _Work:
    """The steps that take time; as ``retrain.work.Work`` has them."""

    def __init__(self, settings: Settings, tell: Tell) -> None:
        self._settings = settings
        self._tell = tell

    def data(self, champion: Path, folder: Path) -> Dataset:
        kept = folder / SNAPSHOT
        if kept.exists():
            return read_dataset(kept)
        self._tell("labels", 0, 1)
        found = read_labels(self._settings)
        domain = load_domain(self._settings.domain)
        learnt = champion / SNAPSHOT
        dataset = build(
            found.labels,
            found.offsets,
            load_seed(domain),
            domain,
            recent_hours=self._settings.retrain.recent_hours,
            now=datetime.now(UTC),
            champion=manifest.read(champion / LABELS, Labels),
            learnt=read_dataset(learnt).learnt if learnt.exists() else (),
        )
        # Whole or not at all: a run that is gone on with after a kill must not find half of it.
        atomic.write(LocalFileSystem(), str(kept), dataset.encode())
        self._tell("labels", 1, 1)
        return dataset

    def finetune(self, dataset: Dataset, folder: Path) -> Tuned:
        model = self._settings.model
        weights = resolve(model.base, model.cache)
        # From the base anew, on all data that there is: what was learnt before cannot be forgotten.
        trunk = load_trunk(weights.folder)
        tokenizer = open_tokenizer(weights.folder, trunk, model.max_tokens)
        if self._settings.retrain.method == "heads":
            return fit_heads_alone(dataset, trunk, tokenizer, self._settings.retrain, self._tell)
        # Late: of all that a run needs, this alone needs torch.
        from retrain.finetune import finetune  # noqa: PLC0415

        training = folder / _TRAINING
        training.mkdir(exist_ok=True)
        return finetune(dataset, trunk, tokenizer, None, self._settings.retrain, training, self._tell)

    def export(self, tuned: Tuned, dataset: Dataset, out: Path) -> Exported:
        model = self._settings.model
        weights = resolve(model.base, model.cache)
        tokenizer = TextTokenizer(weights.folder / TOKENIZER, model.max_tokens)
        return export(tuned, dataset, tokenizer, weights, self._settings, out, self._tell)

    def judge(self, champion: Path, candidate: Path, dataset: Dataset) -> tuple[Judged, Judged]:
        self._tell("judging", 0, 1)
        judged = judge(self._load(champion), self._load(candidate), dataset)
        self._tell("judging", 1, 1)
        return judged

    def _load(self, folder: Path) -> Encoder:
        # On all cores: a worker keeps to one a lane, but here nothing else is going on.
        return Encoder.load(folder, threads=0, sub_batch=self._settings.model.sub_batch)
