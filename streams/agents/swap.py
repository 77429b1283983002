"""swap: changes to the version that the registry points at, while the stream runs.

Read from top to bottom: a pointer rises, the registry says which version, the worker waits for its turn, the version is
tried in a process of its own and loaded, exchanged between two batches, and watched; where it does worse than the one
before, that one comes back here, and then for everybody. It is watched whatever else is tried meanwhile, and nothing
waits for what is told.
"""

from __future__ import annotations

import asyncio
import time
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING

import structlog

from models.manifest import VersionError
from models.trial import TrialError
from streams.contract.credentials import hide_credentials
from streams.logic.rollout import pause_after
from streams.worker.registrar import StaleRegistryError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporters.swap_metrics import SwapMetrics
    from models.aliases import Remark, State
    from models.runtime import Encoder
    from streams.logic.rollout import Rollout
    from streams.worker.loading import Loader
    from streams.worker.pointers import Pointers
    from streams.worker.registrar import Registrar
    from streams.worker.serving import Serving
    from streams.worker.watch import Watch

_JUDGE_SECONDS = 1.0
# Whatever was not told in the meantime.
_LOOK_SECONDS = 30.0
# A refusal is for everybody, so it is not said of a download that was cut short once.
_TRIALS = 2

_NONE: Mapping[str, float] = MappingProxyType({})

log = structlog.get_logger(__name__)


class SwapAgent:
    """Keeps one worker on the champion. Made in a running event loop.

    Args:
        rollout: What this worker serves, and by which state of the registry.
        pointers: Tell when to look at the registry.
        registrar: Says which version is the champion, and tells everybody else.
        loader: Brings a version in.
        serving: What answers, and is exchanged.
        watch: Looks after a new version.
        metrics: Where it is counted.
    """

    def __init__(
        self,
        rollout: Rollout,
        pointers: Pointers,
        registrar: Registrar,
        loader: Loader,
        serving: Serving,
        watch: Watch,
        metrics: SwapMetrics,
    ) -> None:
        self._rollout = rollout
        self._pointers = pointers
        self._registrar = registrar
        self._loader = loader
        self._serving = serving
        self._watch = watch
        self._metrics = metrics
        self._left: list[tuple[int, int, str]] = []
        """Broken versions that a lane has left, by which state they served, and why; to be told."""
        self._seen: State | None = None
        """What the registry said last."""
        self._beside = asyncio.TaskGroup()
        """What may take as long as the registry or the brokers are away."""
        self._wake = asyncio.Event()
        self._look_up = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        pointers.listen(self._wake.set)
        serving.on_return(self._note_left)
        metrics.epoch.set(rollout.epoch)

    async def run(self) -> None:
        """Follow the pointers until cancelled; whatever is wrong with another version, the stream goes on."""
        async with self._beside:
            self._beside.create_task(self._announce())
            self._beside.create_task(self._look_after())
            while True:
                await _wait(self._wake, self._due_in())
                try:
                    epoch = self._news()
                    if epoch is not None and self._due_in() == 0.0:
                        await self._take_up(epoch)
                except Exception as error:
                    log.exception("changing versions failed", error=repr(error))

    async def _look_after(self) -> None:
        """Judge what answers, and give up what was left."""
        while True:
            await _wait(self._look_up, _JUDGE_SECONDS)
            try:
                while self._left:
                    self._give_up(*self._left.pop(0))
                await self._judge()
            except Exception as error:
                log.exception("looking after a version failed", error=repr(error))

    async def _take_up(self, epoch: int) -> None:
        """Change to what the registry says by now; what fails is tried again when it is due."""
        state = None
        try:
            self._seen = state = await self._registrar.state(at_least=epoch)
            await self._change(state)
        except Exception as error:
            if not isinstance(error, VersionError | TrialError | StaleRegistryError | OSError):
                log.exception("changing versions failed", error=repr(error))
            # A state that cannot be read is no version's fault.
            at_fault = isinstance(error, VersionError) and state is not None
            self._rollout.failed(epoch if state is None else state.epoch, time.monotonic(), refused=at_fault)
            is_refused = state is not None and self._rollout.refusals >= _TRIALS
            # Whoever has promoted it again meanwhile may have mended it.
            if state is not None and is_refused and not self._is_overtaken(state.epoch):
                self._refuse(state, error)
                return
            self._metrics.count("failed")
            log.warning(
                "a version was not taken up, and is tried again",
                epoch=epoch,
                error=str(error),
                tried=self._rollout.failures,
            )

    async def _change(self, state: State) -> None:
        version = state.aliases.champion
        if version is None or not self._rollout.wants(version):
            self._deal_with(state.epoch)
            return
        told = time.time()
        before = self._serving.before
        if before is not None and before.manifest.version == version:
            encoder = before  # at hand: for a rollback nobody waits
        else:
            if not await self._turn_comes(state.epoch):
                return
            encoder = await self._loader.load(version, like=self._serving.current, told=told)
        left = self._serving.current
        self._serving.exchange(encoder)
        self._watch.begin(version)
        self._rollout.took_up(version, state.epoch)
        self._tell_swapped(encoder, left, state)

    async def _judge(self) -> None:
        verdict = self._watch.verdict()
        if verdict is None or verdict.outcome == "watched":
            return
        judged, epoch = self._serving.current, self._rollout.epoch
        version, model = judged.manifest.version, judged.model
        if verdict.outcome == "kept":
            log.info("the version is kept", model=model, **verdict.figures)
            self._watch.keep()
            return
        pin = await self._pin(version)
        if judged is not self._serving.current:
            return  # left by a lane meanwhile, or for the next version
        if pin is not None:
            self._watch.bear()
            reasons = [f"{model}: {verdict.reason}.", f"It is pinned {pin}, so it serves on."]
            log.error("a pinned version does worse than the one before", reasons=reasons)
            self._tell_failed(version, epoch, reasons, verdict.figures)
        elif self._serving.go_back(judged):
            self._went_back()
            self._give_up(version, epoch, f"{model}: {verdict.reason}.", verdict.figures)

    async def _pin(self, version: int) -> Remark | None:
        """Who has pinned this version and no other, as the registry says, or said when it was read last."""
        try:
            self._seen = await self._registrar.state()
        except (VersionError, OSError) as error:
            log.warning("the registry does not tell of pins: what it said last holds", error=str(error))
        if self._seen is None or self._seen.aliases.champion != version:
            return None
        return self._seen.aliases.pin

    def _note_left(self, model: str, error: Exception) -> None:
        self._loop.call_soon_threadsafe(self._was_left, model, error)

    def _was_left(self, model: str, error: Exception) -> None:
        """A lane has left a broken version for the one before."""
        version = int(model.rpartition(":")[2])
        self._left.append((version, self._rollout.epoch, f"{model} answers nothing any more: {error}"))
        self._went_back()
        self._look_up.set()

    def _went_back(self) -> None:
        self._metrics.count("rolled_back")
        self._rollout.took_up(self._serving.current.manifest.version, self._rollout.epoch)
        self._watch.went_back()

    def _refuse(self, state: State, error: Exception) -> None:
        """What is corrupt, or answers otherwise than at its export, can be served by nobody."""
        self._deal_with(state.epoch)
        self._metrics.count("refused")
        if state.aliases.champion is not None:
            reason = f"Version {state.aliases.champion} is refused: {error}"
            self._give_up(state.aliases.champion, state.epoch, reason)

    def _give_up(self, version: int, epoch: int, reason: str, figures: Mapping[str, float] = _NONE) -> None:
        """Have a version that this worker does not serve taken back for everybody, and tell why."""
        reason = hide_credentials(reason)
        log.error("a version is given up", reason=reason, serves=self._serving.current.model)
        self._beside.create_task(self._take_back(version, epoch, reason, figures))
        self._tell_failed(version, epoch, [reason], figures)

    async def _take_back(self, version: int, epoch: int, reason: str, figures: Mapping[str, float]) -> None:
        try:
            await self._registrar.roll_back(version, reason, figures, since=epoch)
        except Exception as error:
            # This worker has gone back; the others find out by themselves.
            log.exception("a version cannot be taken back for everybody", error=repr(error))

    def _tell_swapped(self, encoder: Encoder, before: Encoder, state: State) -> None:
        self._metrics.count("swapped")
        self._metrics.epoch.set(self._rollout.epoch)
        seconds = 0.0
        if state.aliases.change is not None:
            seconds = max(0.0, time.time() - state.aliases.change.time.timestamp())
            self._metrics.seconds.observe(seconds)
        log.info("another version answers", model=encoder.model, before=before.model, epoch=state.epoch)
        self._registrar.tell(
            "swapped",
            encoder.manifest.version,
            state.epoch,
            previous=before.manifest.version,
            metrics={"seconds": round(seconds, 3)},
        )

    def _tell_failed(self, version: int, epoch: int, reasons: list[str], figures: Mapping[str, float]) -> None:
        serves = self._serving.current.manifest.version
        self._registrar.tell("swap_failed", version, epoch, previous=serves, reasons=reasons, metrics=dict(figures))

    async def _announce(self) -> None:
        """Tell what the registry says, where whoever changed it died before it was told."""
        for tried in count(1):
            try:
                await self._pointers.caught_up()
                state = await self._registrar.state()
                pointer = self._pointers.latest("champion")
                # Not by what this worker deals with: a champion that was refused at the start is to be dealt with yet.
                if pointer is None or pointer.epoch < state.epoch:
                    await self._registrar.announce()
            except Exception as error:  # noqa: BLE001  whatever it is, the stream goes on
                log.warning("the model's pointers are not known yet: followed on", error=repr(error))
            else:
                break
            await asyncio.sleep(pause_after(tried))
        self._wake.set()

    def _news(self) -> int | None:
        """Epoch of a pointer that tells something not dealt with."""
        pointer = self._pointers.latest("champion")
        return pointer.epoch if pointer is not None and pointer.epoch > self._rollout.epoch else None

    def _is_overtaken(self, epoch: int) -> bool:
        """Whether a pointer tells of a later state."""
        return (self._news() or 0) > epoch

    def _deal_with(self, epoch: int) -> None:
        self._rollout.dealt_with(epoch)
        self._metrics.epoch.set(self._rollout.epoch)

    async def _turn_comes(self, epoch: int) -> bool:
        """Wait for this worker's turn to take a state up; False where a later one is told of meanwhile."""
        turn = time.monotonic() + self._rollout.delay(epoch)
        # Whatever else is told meanwhile, such as of a challenger or of another model, is not what it waits for.
        while (left := turn - time.monotonic()) > 0 and not self._is_overtaken(epoch):
            await _wait(self._wake, left)
        return not self._is_overtaken(epoch)

    def _due_in(self) -> float:
        """Seconds until what the pointers tell of is to be taken up."""
        epoch = self._news()
        return _LOOK_SECONDS if epoch is None else self._rollout.due_in(epoch, time.monotonic())


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Until it happens, so many seconds at most."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
    event.clear()
