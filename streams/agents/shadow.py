"""shadow: a challenger reads along with the champion, and nothing of what it reads is published.

It reads what the champion has read just before, one bundle at a time and with long rests, so that the stream has the
processors; what comes meanwhile it lets pass. When it has read enough, this worker lets it take the champion's place or
dismisses it, for everybody: of several workers the first one decides.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING

import structlog

from models.manifest import VersionError
from models.trial import TrialError
from streams.contract.credentials import hide_credentials
from streams.logic.shadow import Agreement, Judgement
from streams.worker.registrar import StaleRegistryError

if TYPE_CHECKING:
    from exporters.swap_metrics import SwapMetrics
    from models.aliases import State
    from models.runtime import Encoder
    from streams.contract.incoming import Record
    from streams.contract.model_settings import SwapSettings
    from streams.contract.records import Message, Prediction
    from streams.worker.loading import Loader
    from streams.worker.pointers import Pointers
    from streams.worker.registrar import Registrar
    from streams.worker.serving import Serving

_BUNDLE = 16
_STEP_SECONDS = 0.2
_LOOK_SECONDS = 30.0
# As of a champion's: a dismissal is for everybody.
_TRIALS = 2
# So many times as long as a bundle took, the next one waits: a quarter of one core.
_REST = 3.0

log = structlog.get_logger(__name__)


class ShadowAgent:
    """Reads along with a challenger, where there is one. Made in a running event loop.

    Args:
        pointers: Tell when there is a challenger.
        registrar: Says which version it is, and is told what came of it.
        loader: Brings it in.
        serving: The champion.
        settings: How much is compared, and how much must agree.
        metrics: Where agreement is shown.
    """

    def __init__(
        self,
        pointers: Pointers,
        registrar: Registrar,
        loader: Loader,
        serving: Serving,
        settings: SwapSettings,
        metrics: SwapMetrics,
    ) -> None:
        self._pointers = pointers
        self._registrar = registrar
        self._loader = loader
        self._serving = serving
        self._settings = settings
        self._metrics = metrics
        self._latest: deque[tuple[str, Prediction]] = deque(maxlen=_BUNDLE)
        self._is_reading = False
        self._done = 0
        """Epoch of the latest challenge that is over, or could not be taken up."""
        self._refused = 0
        """Epoch of the latest challenge whose challenger was refused."""
        self._refusals = 0
        """Trials by which it was."""
        self._wake = asyncio.Event()
        pointers.listen(self._wake.set)

    def see(self, _record: Record, message: Message, prediction: Prediction) -> None:
        """Take note of what the champion has read; from any thread."""
        if self._is_reading:
            self._latest.append((message.text, prediction))

    async def run(self) -> None:
        """Follow the challengers until cancelled."""
        while True:
            await self._wait()
            epoch = self._challenge()
            if epoch is None:
                continue
            try:
                if await self._read_along(await self._registrar.state(at_least=epoch)):
                    self._done = max(self._done, epoch)
            except (VersionError, TrialError, StaleRegistryError, OSError, MemoryError) as error:
                # A version's fault is told where it is loaded; this one is the state's, which cannot be read.
                log.warning("the challenger cannot read along yet", error=str(error))
            except Exception as error:
                # The stream goes on, whatever is wrong with a challenger.
                log.exception("the shadow run failed", error=repr(error))
                self._done = max(self._done, epoch)
            finally:
                self._is_reading = False
                self._latest.clear()

    async def _read_along(self, state: State) -> bool:
        """Compare the challenger with the champion until there is a judgement.

        Returns:
            Whether the challenge is over; where not, as this worker changes versions meanwhile, it is taken up again.
        """
        champion = self._serving.current
        version = state.aliases.challenger
        if version is None:
            return True
        if champion.manifest.version != state.aliases.champion:
            return False
        try:
            challenger = await self._loader.load(version, like=champion, told=time.time())
        except VersionError as error:
            reason = f"it was refused: {hide_credentials(str(error))}"
            if not self._is_refused(state.epoch):
                log.warning("the challenger is tried again", reason=reason)
                return False
            refused = Judgement(is_let_in=False, reason=reason, figures={})
            return await self._registrar.settle_challenge(version, champion.manifest.version, refused)
        log.info("a challenger reads along", challenger=challenger.model, champion=champion.model)
        agreement = Agreement(self._settings)
        self._is_reading = True
        while (judgement := agreement.judge()) is None:
            if self._is_over(state.epoch, champion):
                log.info("the challenge is broken off before it was judged", messages=agreement.messages)
                return False
            await self._compare(challenger, champion.model, agreement)
        log.info("the challenger is judged", is_let_in=judgement.is_let_in, **judgement.figures)
        return await self._registrar.settle_challenge(version, champion.manifest.version, judgement)

    def _is_refused(self, epoch: int) -> bool:
        """Whether another trial that refused the challenger makes it enough."""
        if epoch != self._refused:
            self._refused, self._refusals = epoch, 0
        self._refusals += 1
        return self._refusals >= _TRIALS

    async def _compare(self, challenger: Encoder, champion: str, agreement: Agreement) -> None:
        taken = [self._latest.popleft() for _ in range(len(self._latest))]
        bundle = [(text, prediction) for text, prediction in taken if prediction.model == champion]
        started = time.monotonic()
        if bundle:
            readings = await asyncio.to_thread(challenger.read, [text for text, _ in bundle])
            for (_, prediction), reading in zip(bundle, readings, strict=True):
                equal = agreement.observe(prediction, reading)
                self._metrics.shadow_messages.labels("yes" if equal else "no").inc()
            self._metrics.show_agreement(agreement.shares)
        await asyncio.sleep(max(_STEP_SECONDS, _REST * (time.monotonic() - started)))

    def _challenge(self) -> int | None:
        """Epoch of a challenge that is not over."""
        pointer = self._pointers.latest("challenger")
        if pointer is None or pointer.version is None or pointer.epoch <= self._done:
            return None
        return pointer.epoch

    def _is_over(self, epoch: int, champion: Encoder) -> bool:
        """Whether another worker has decided, another challenger has come, or another champion."""
        pointer = self._pointers.latest("challenger")
        is_another = pointer is not None and (pointer.epoch > epoch or pointer.version is None)
        return is_another or self._serving.current is not champion

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()
