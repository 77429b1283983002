"""A model that the schedule keeps up to date: what calls for its runs, and how one is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from retrain.run_record import RunRecord
    from streams.contract.model_records import RetrainRequest
    from streams.contract.settings import Settings

Tell = Callable[[str, int, int], None]
"""Told of a stage's name, and how much of it is done, of how much."""


class Trains(Protocol):
    """A training run that is ready to begin; ``retrain.job.Job`` is one."""

    def run(self, request: RetrainRequest) -> RunRecord:
        """Make a candidate, judge it, and promote it if it is better.

        Raises:
            BusyError: Another run of this model is under way on this machine.
        """


@dataclass(frozen=True, slots=True)
class Learner:
    """A model, and when and how it learns. It goes to a process of its own, so that all of it can be pickled.

    Attributes:
        name: Name of the model: its requests, its events and its folder of runs go by it.
        settings: The application's.
        job: Makes its run. A function of a module, called in the run's own process; what is heavy it imports within.
        cron: When it runs, as five fields of cron, in UTC; empty for never.
        cron_setting: The setting that says so, for errors.
        topic: Full name of the topic that it learns from; None where nothing of the kind calls for a run.
        enough: So many new records of the topic call for a run; 0 never.
        what: What these are, in the plural.
        counted: Each record as it is read, or, for topics too large for that, by the offsets of their ends.
        idles: By the clock it runs only where something is new.
        on_drift: It also runs when drift is found.
        needs: Libraries that no run of it can do without.
    """

    name: str
    settings: Settings
    job: Callable[[Settings, Tell], Trains]
    cron: str = ""
    cron_setting: str = "retrain.cron"
    topic: str | None = None
    enough: int = 0
    what: str = "labels"
    counted: Literal["records", "offsets"] = "records"
    idles: bool = False
    on_drift: bool = False
    needs: tuple[str, ...] = ()

    @property
    def runs_by_itself(self) -> bool:
        """Whether it runs without being asked to."""
        return bool(self.cron or self.on_drift or (self.topic is not None and self.enough))

    @property
    def missing(self) -> list[str]:
        """Those of the libraries that are not installed."""
        return [name for name in self.needs if find_spec(name) is None]

    @property
    def own_settings(self) -> Settings:
        """The settings with this model in the place of the encoder."""
        return named(self.settings, self.name)


def named(settings: Settings, name: str) -> Settings:
    """The settings as the model of this name has them: ``model.name`` is its own."""
    return settings.model_copy(update={"model": settings.model.model_copy(update={"name": name})})
