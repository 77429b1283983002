"""What the job is made of: its heavy steps and its ways to tell. The real ones are in ``retrain.steps``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from pathlib import Path

    from models.manifest import Precision
    from models.promoting import Details
    from streams.contract.model_records import ModelEvent

DataT = TypeVar("DataT", bound="Data")
TunedT = TypeVar("TunedT")
JudgedT_co = TypeVar("JudgedT_co", covariant=True)


class NothingToLearnError(ValueError):
    """There is too little to make a candidate of; the message says how much is needed. It is no failure of the run."""


class Data(Protocol):
    """What a run learns from and is judged on; ``retrain.dataset.Dataset`` is one."""

    @property
    def offsets(self) -> dict[int, int]:
        """By partition of the labels topic, the first offset that was not read."""

    @property
    def sha256(self) -> str:
        """Hash of all of it, in hexadecimal."""


class Made(Protocol):
    """What the registry is to be told of a candidate's files; ``retrain.candidate.Exported`` is one."""

    @property
    def precision(self) -> Precision:
        """Of the served graph."""

    @property
    def max_tokens(self) -> int:
        """Longest text."""

    @property
    def width(self) -> int:
        """Of the embedding."""

    @property
    def metrics(self) -> dict[str, Any]:
        """Its evaluation, in short."""

    @property
    def lineage(self) -> dict[str, Any]:
        """What it was made from, as far as making it knows: base, data, seed, code."""


class Work(Protocol[DataT, TunedT, JudgedT_co]):
    """The steps that take time and memory. Each may raise whatever it likes: the run has failed then.

    But for NothingToLearnError out of ``data`` and ``finetune``: the run is rejected.
    """

    def data(self, champion: Path, folder: Path) -> DataT:
        """The data set; the one that lies in the folder, where a killed run left it there.

        Args:
            champion: Folder of the version that serves.
            folder: The run's own.
        """

    def finetune(self, dataset: DataT, folder: Path) -> TunedT:
        """The tuned network; it goes on from the folder's checkpoint, where a killed run left one there."""

    def export(self, tuned: TunedT, dataset: DataT, out: Path) -> Made:
        """Write the candidate's files into an empty folder."""

    def judge(self, champion: Path, candidate: Path, dataset: DataT) -> tuple[JudgedT_co, JudgedT_co]:
        """Both versions' answers to the same rows, from their verified folders."""


class Messenger(Protocol):
    """Who moves the registry's aliases and tells the world."""

    def tell(self, event: ModelEvent) -> None:
        """Publish an event.

        Raises:
            BrokerError: It is not taken.
        """

    def promote(self, version: int, expected: int, reason: str, details: Details) -> None:
        """Make a version the champion in the place of the one that is expected there; errors as of ``promotion``."""

    def challenge(self, version: int, expected: int, reason: str, details: Details) -> None:
        """Let a version read along in the shadow of the champion that is expected; errors as of ``promotion``."""

    def announce(self) -> None:
        """Tell the workers what the registry says."""
