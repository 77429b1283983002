from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs
from support.replies import EVIDENCE, Found, turn

from exporters.reply_metrics import ReplyMetrics
from models.generator.runtime import Generated
from models.manifest import VersionError
from models.trial import TrialError
from streams.contract.domain import load_domain
from streams.contract.service_settings import GeneratorSettings, RepliesSettings
from streams.contract.settings import Settings
from streams.logic.replies.deciding import Draft
from streams.logic.replies.verdicts import Plan, Rules
from streams.worker.drafting import Drafting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from models.generator.config import GenerationOptions
    from models.generator.prompting import Prompt

SETTINGS = Settings(generator=GeneratorSettings(batch=3, max_new_tokens=50))
RULES = Rules.of(load_domain("finance"), RepliesSettings())
PLAN = Plan("send", "answered", "", 0.9, (Found(text=EVIDENCE[0]), Found(text=EVIDENCE[1])))


class Registry:
    """Versions of a generator, of which some are refused."""

    def __init__(
        self, champion: int | None = None, *, refused: Sequence[int] = (), previous: int | None = None
    ) -> None:
        self.champion = champion
        self.refused = refused
        self.previous = previous
        self.loaded: list[int] = []

    def versions(self, name: str) -> list[int]:
        assert name == "generator"
        return [] if self.champion is None else [self.champion]

    def resolve(self, _name: str, alias: str) -> int:
        assert alias == "champion"
        assert self.champion is not None
        return self.champion

    def resolve_and_load(self, _name: str, _alias: str, _cache: Path, load: Callable[[Path], Any]) -> tuple[int, Any]:
        version = self.champion or 0
        self.loaded.append(version)
        if version in self.refused:
            if self.previous is None:
                raise VersionError("it is corrupt")
            version = self.previous
        return version, load(Path(str(version)))


class Generator:
    def __init__(self, version: int) -> None:
        self.model = f"generator:{version}"
        self.stopped = "end"
        self.pause = 0.0
        self.error: Exception | None = None
        self.asked: list[tuple[list[Prompt], GenerationOptions, float]] = []

    def generate(
        self, prompts: Sequence[Prompt], options: GenerationOptions, deadline: float | None = None
    ) -> list[Generated]:
        if self.error is not None:
            raise self.error
        time.sleep(self.pause)
        self.asked.append((list(prompts), options, (deadline or 0.0) - time.monotonic()))
        return [Generated(f"Draft {number}", 5, self.stopped, -0.5) for number, _ in enumerate(prompts)]  # type: ignore[arg-type]


class Made:
    """A drafting whose thread is the test's own."""

    def __init__(self, registry: Registry) -> None:
        self.generators: list[Generator] = []
        self.metrics = ReplyMetrics(CollectorRegistry())
        self.tried: list[tuple[int, int | None]] = []
        self.faults: dict[int, Exception] = {}
        """Of trials, by version."""
        self.given_up: list[tuple[int, int, str]] = []
        self.drafting = Drafting(
            SETTINGS,
            registry,  # type: ignore[arg-type]
            self._load,
            self.metrics,
            self._try,
            lambda *told: self.given_up.append(told),
        )

    def _try(self, folder: Path, against: Path | None, settings: Settings) -> None:
        assert settings is SETTINGS
        version = int(folder.name)
        self.tried.append((version, None if against is None else int(against.name)))
        if version in self.faults:
            raise self.faults[version]

    def write(self, times: int = 1) -> list[str]:
        """Which version wrote, each time."""
        written = [self.drafting.replies([(turn(), "Where is it?", PLAN)], RULES, within=1.0)[0] for _ in range(times)]
        return [one.generator for one in written if one is not None]

    def _load(self, folder: Path, settings: GeneratorSettings) -> Generator:
        assert settings is SETTINGS.generator
        self.generators.append(Generator(int(folder.name)))
        return self.generators[-1]

    def look(self) -> None:
        self.drafting._look()


def test_without_a_version_nothing_is_written_and_it_is_said_once() -> None:
    made = Made(Registry())
    with capture_logs() as logs:
        made.look()
        made.look()
    assert len(logs) == 1
    assert made.drafting.replies([(turn(), "Where is it?", PLAN)], RULES, within=1.0) == [None]
    assert made.drafting.batch > 1


def test_a_reply_is_asked_for_with_its_evidence_and_within_its_time() -> None:
    made = Made(Registry(1))
    made.look()
    first, second = made.drafting.replies(
        [(turn(), "Where is it?", PLAN), (turn(), "And now?", PLAN)], RULES, within=3.0
    )
    assert first is not None
    assert second is not None
    assert (first.draft, second.draft) == (Draft("Draft 0"), Draft("Draft 1"))
    assert (first.generator, first.tokens, first.is_cut_off) == ("generator:1", 5, False)
    ((prompts, options, within),) = made.generators[0].asked
    assert [prompt.asked for prompt in prompts] == ["Where is it?", "And now?"]
    assert prompts[0].evidence == EVIDENCE[:2]
    assert RULES.replies.company in prompts[0].instructions
    assert options.max_new_tokens == 50
    assert within == pytest.approx(3.0, abs=0.5)
    assert made.drafting.batch == 3
    assert made.metrics.generator_info.labels("generator:1")._value.get() == 1


def test_what_breaks_off_is_no_finished_draft_and_the_deadline_is_told() -> None:
    made = Made(Registry(1))
    made.look()
    for stopped, is_cut_off in (("length", False), ("deadline", True)):
        made.generators[0].stopped = stopped
        (written,) = made.drafting.replies([(turn(), "Where is it?", PLAN)], RULES, within=1.0)
        assert written is not None
        assert (written.draft.finished, written.is_cut_off) == (False, is_cut_off)


def test_a_generator_that_fails_has_written_nothing_and_ends_nobody() -> None:
    made = Made(Registry(1))
    made.look()
    made.generators[0].error = RuntimeError("out of memory")
    written = made.drafting.replies([(turn(), "Where is it?", PLAN)] * 2, RULES, within=1.0)
    assert [one is not None and one.draft == Draft("") for one in written] == [True, True]


def test_another_champion_takes_the_place_and_is_loaded_once() -> None:
    registry = Registry(1)
    made = Made(registry)
    made.look()
    made.look()
    registry.champion = 2
    made.look()
    made.look()
    assert registry.loaded == [1, 2]
    (written,) = made.drafting.replies([(turn(), "Where is it?", PLAN)], RULES, within=1.0)
    assert written is not None
    assert written.generator == "generator:2"


def test_a_version_that_is_refused_leaves_the_one_before_and_is_not_tried_for_ever() -> None:
    registry = Registry(1, refused=[2])
    made = Made(registry)
    made.look()
    registry.champion = 2
    with pytest.raises(VersionError):
        made.look()
    made.look()
    assert registry.loaded == [1, 2]
    (written,) = made.drafting.replies([(turn(), "Where is it?", PLAN)], RULES, within=1.0)
    assert written is not None
    assert written.generator == "generator:1"


def test_where_the_champion_is_refused_at_the_start_the_previous_one_writes() -> None:
    registry = Registry(2, refused=[2], previous=1)
    made = Made(registry)
    made.look()
    made.look()
    assert registry.loaded == [2]
    assert [generator.model for generator in made.generators] == ["generator:1"]


def test_a_version_is_tried_against_the_one_that_writes_before_it_is_loaded() -> None:
    registry = Registry(1)
    made = Made(registry)
    made.look()
    registry.champion = 2
    made.look()
    assert made.tried == [(1, None), (2, 1)]
    assert made.write() == ["generator:2"]


def test_a_version_that_fails_its_trial_is_never_loaded() -> None:
    registry = Registry(1)
    made = Made(registry)
    made.look()
    registry.champion = 2
    made.faults[2] = VersionError("it ends the process that runs it (SIGABRT)")
    with pytest.raises(VersionError, match="SIGABRT"):
        made.look()
    made.look()
    assert [generator.model for generator in made.generators] == ["generator:1"]
    assert made.tried == [(1, None), (2, 1)]
    assert made.write() == ["generator:1"]


def test_a_trial_that_says_nothing_of_the_version_is_made_again() -> None:
    registry = Registry(1)
    made = Made(registry)
    made.look()
    registry.champion = 2
    made.faults[2] = TrialError("the process was killed")
    with pytest.raises(TrialError):
        made.look()
    made.faults.clear()
    made.look()
    assert made.write() == ["generator:2"]


def test_a_new_version_that_fails_gives_way_to_the_one_before_and_everybody_is_told() -> None:
    registry = Registry(1)
    made = Made(registry)
    made.look()
    registry.champion = 2
    made.look()
    made.generators[1].error = RuntimeError("the runtime fails")
    assert made.write(3) == ["generator:2", "generator:2", "generator:1"]
    ((version, serves, reason),) = made.given_up
    assert (version, serves) == (2, 1)
    assert "2 of 2 batches" in reason
    # The registry still points at it for a moment, or for good where it is pinned: it is not taken up again.
    made.look()
    assert made.write() == ["generator:1"]


def test_a_new_version_that_is_far_slower_gives_way() -> None:
    registry = Registry(1)
    made = Made(registry)
    made.look()
    made.generators[0].pause = 0.002
    made.write(4)
    registry.champion = 2
    made.look()
    made.generators[1].pause = 0.02
    wrote = made.write(6)
    assert wrote[0] == "generator:2"
    assert wrote[-1] == "generator:1"
    ((version, _, reason),) = made.given_up
    assert version == 2
    assert "swap.max_slowdown" in reason


def test_a_first_version_that_fails_stays_since_there_is_no_other() -> None:
    made = Made(Registry(1))
    made.look()
    made.generators[0].error = RuntimeError("the runtime fails")
    assert made.write(3) == ["generator:1"] * 3
    assert made.given_up == []


def test_a_version_that_people_roll_back_is_taken_up_again_without_loading() -> None:
    registry = Registry(1)
    made = Made(registry)
    made.look()
    registry.champion = 2
    made.look()
    registry.champion = 1
    made.look()
    assert registry.loaded == [1, 2]
    assert made.write() == ["generator:1"]
