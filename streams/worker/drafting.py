"""The generator in one worker: which version writes, and what it is asked to write.

Without a version in the registry nothing is written, and the best approved answer is offered as it stands. A version
that the registry points at is tried in a process of its own, loaded beside the one that writes, takes its place between
two batches, and is watched: where it fails or is far slower, the one before comes back.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, NamedTuple, Protocol

import structlog

from models.generator.config import GenerationOptions
from models.generator.prompting import brief_prompt, reply_prompt
from models.manifest import VersionError
from models.trial import TrialError
from streams.logic.draft_watch import Drafted
from streams.logic.replies.deciding import Draft
from streams.worker.pointers import Pointers
from streams.worker.succession import Held, Succession

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from exporters.reply_metrics import ReplyMetrics
    from models.generator.prompting import Prompt
    from models.generator.runtime import Generated
    from models.registry import Registry
    from streams.contract.replies import Turn
    from streams.contract.service_settings import GeneratorSettings
    from streams.contract.settings import Settings
    from streams.logic.replies.briefs import Story
    from streams.logic.replies.verdicts import Plan, Rules

# Whatever no pointer told of.
_LOOK_SECONDS = 60.0
# Of a batch, where nothing is written and a batch is a matter of milliseconds.
_BATCH_WITHOUT = 16

log = structlog.get_logger(__name__)


class Writer(Protocol):
    """What is asked of ``models.generator.runtime.Generator``."""

    @property
    def model(self) -> str:
        """Name and version, such as ``generator:1``."""

    def generate(
        self, prompts: Sequence[Prompt], options: GenerationOptions, deadline: float | None = None
    ) -> Sequence[Generated]:
        """What is written to each prompt; ``deadline`` is of ``time.monotonic``."""


class Written(NamedTuple):
    """What the generator wrote, or failed to."""

    draft: Draft
    generator: str
    tokens: int = 0
    seconds: float = 0.0
    """That the whole batch took."""
    is_cut_off: bool = False
    """Whether the time was over."""


def _untried(folder: Path, against: Path | None, settings: Settings) -> None:
    """No trial."""


def _untold(version: int, previous: int, reason: str) -> None:
    """Nobody is told."""


class Drafting:
    """Holds the generator that writes; ``start`` and ``stop`` it. Any thread may ask.

    Args:
        settings: Which generator, where its versions are, and how it is served.
        registry: Where its versions are.
        load: Makes of a version's folder what writes; raises VersionError where it will not.
        metrics: Told which version writes.
        attempt: Tries a version's folder against that of the one that writes, where one does; raises VersionError where
            it may not write, and TrialError where that cannot be said.
        give_up: Told which version was given up while it wrote, which one writes again, and why; from any thread.
    """

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        load: Callable[[Path, GeneratorSettings], Writer],
        metrics: ReplyMetrics,
        attempt: Callable[[Path, Path | None, Settings], None] = _untried,
        give_up: Callable[[int, int, str], None] = _untold,
    ) -> None:
        self._all = settings
        self._settings = settings.generator
        self._options = GenerationOptions.of(settings.generator)
        self._cache = settings.model.cache
        self._registry = registry
        self._load = load
        self._metrics = metrics
        named = settings.model.model_copy(update={"name": settings.generator.name})
        self._pointers = Pointers(settings.model_copy(update={"model": named}))
        self._attempt = attempt
        self._give_up = give_up
        self._succession = Succession(settings.swap)
        self._refused: set[int] = set()
        self._is_tried = False
        self._is_told = False
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="generator", daemon=True)

    @property
    def is_ready(self) -> bool:
        """Whether it is known by now if there is a generator."""
        return self._is_tried

    @property
    def batch(self) -> int:
        """How many may be written at the same time."""
        return self._settings.batch if self._succession.current is not None else _BATCH_WITHOUT

    def start(self) -> None:
        """Load, and follow what the registry points at; needs a running event loop."""
        self._pointers.listen(self._wake.set)
        self._pointers.start()
        self._thread.start()

    async def stop(self) -> None:
        """Follow no more."""
        self._stop.set()
        self._wake.set()
        await self._pointers.stop()

    def replies(
        self, asked: Sequence[tuple[Turn, str, Plan]], rules: Rules, *, within: float
    ) -> Sequence[Written | None]:
        """Drafts of replies; None for each where no generator serves.

        Args:
            asked: Turn, its text without personal data, and what may be drawn from.
            rules: For the tone.
            within: Seconds that all of them may take.
        """
        held = self._succession.current
        if held is None:
            return [None] * len(asked)
        prompts = [
            reply_prompt(
                text,
                plan.texts,
                topic=turn.prediction.topics[0] if turn.prediction is not None and turn.prediction.topics else None,
                sentiment=turn.prediction.sentiment if turn.prediction is not None else None,
                tone=rules.replies.tone,
                company=rules.replies.company or None,
            )
            for turn, text, plan in asked
        ]
        return self._write(held.writer, prompts, within)

    def brief(self, story: Story, *, within: float) -> Written | None:
        """A brief; None where no generator serves.

        Args:
            story: Its facts.
            within: Seconds that it may take.
        """
        held = self._succession.current
        if held is None:
            return None
        return self._write(held.writer, [brief_prompt(story.facts, story.quotes)], within)[0]

    def _write(self, generator: Writer, prompts: Sequence[Prompt], within: float) -> Sequence[Written]:
        started = time.monotonic()
        try:
            generated = generator.generate(prompts, self._options, started + within)
        except Exception as error:
            log.exception("the generator failed", model=generator.model, error=repr(error))
            self._observe(generator, Drafted(len(prompts), 0, 0.0, failed=True))
            return [Written(Draft(""), generator.model)] * len(prompts)
        seconds = time.monotonic() - started
        self._observe(generator, Drafted(len(prompts), sum(one.tokens for one in generated), seconds))
        return [
            Written(
                Draft(one.text, finished=one.stopped == "end"),
                generator.model,
                one.tokens,
                seconds,
                one.stopped == "deadline",
            )
            for one in generated
        ]

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._look()
            except (VersionError, TrialError, OSError) as error:
                log.warning("no other version of the generator is taken up", error=str(error))
            except Exception as error:
                log.exception("the generator cannot be looked after: trying on", error=repr(error))
            self._is_tried = True
            self._wake.wait(_LOOK_SECONDS)
            self._wake.clear()

    def _look(self) -> None:
        """Take up the version that is to write, where it is another one."""
        name, alias = self._settings.name, self._settings.alias
        if not self._registry.versions(name):
            if not self._is_told:
                log.info("no generator in the registry: approved answers are offered as they stand", name=name)
            self._is_told = True
            return
        version = self._registry.resolve(name, alias)
        current, before = self._succession.current, self._succession.before
        if (current is not None and version == current.version) or version in self._refused:
            return
        if before is not None and version == before.version:
            # At hand: people have rolled the other one back, and nobody waits.
            self._take_up(before)
            return
        try:
            taken, held = self._registry.resolve_and_load(name, alias, self._cache, self._bring_in)
        except VersionError:
            self._refused.add(version)
            raise
        if taken != version:
            self._refused.add(version)
        if current is None or taken != current.version:
            self._take_up(held._replace(version=taken))

    def _bring_in(self, folder: Path) -> Held:
        current = self._succession.current
        self._attempt(folder, current.folder if current is not None else None, self._all)
        return Held(self._load(folder, self._settings), 0, folder)

    def _take_up(self, held: Held) -> None:
        self._succession.take_up(held)
        self._metrics.show_generator(held.writer.model)
        log.info("generator loaded", model=held.writer.model)

    def _observe(self, generator: Writer, drafted: Drafted) -> None:
        given_up = self._succession.observe(generator, drafted)
        if given_up is None:
            return
        left, serves, reason = given_up
        self._refused.add(left.version)
        log.error(
            "a version of the generator is given up", model=generator.model, reason=reason, serves=serves.writer.model
        )
        self._metrics.show_generator(serves.writer.model)
        self._give_up(left.version, serves.version, f"{generator.model}: {reason}.")
