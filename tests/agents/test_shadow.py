"""The agent that reads along with a challenger: a challenge is over when it is judged, and not before."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from prometheus_client import CollectorRegistry
from support.readings import seen

from exporters.swap_metrics import SwapMetrics
from models.manifest import VersionError
from models.trial import TrialError
from streams.agents import shadow
from streams.agents.shadow import ShadowAgent
from streams.contract.model_settings import SwapSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.logic.shadow import Judgement

LIVE = seen("Harlow Bank gains", model="encoder:1")
OF_NEXT = seen("Harlow Bank gains", model="encoder:2")


def version(number: int) -> Any:  # noqa: ANN401  stands for an encoder
    return SimpleNamespace(
        model=f"encoder:{number}",
        manifest=SimpleNamespace(version=number),
        read=lambda texts: [LIVE.prediction for _ in texts],
    )


class Stand:
    """What an agent has around it: version 1 serves, and version 3 challenges whatever is the champion."""

    def __init__(self, *, champion: int = 1) -> None:
        self.current = version(1)
        self.champion = champion
        self.epoch = 5
        self.judged: list[tuple[int, int]] = []
        self.judgements: list[Judgement] = []
        self.failures: list[Exception] = []
        self.loads = 0
        self._listeners: list[Callable[[], None]] = []

    def listen(self, told: Callable[[], None]) -> None:
        self._listeners.append(told)
        told()

    def latest(self, _alias: str) -> Any:  # noqa: ANN401  stands for a pointer
        return SimpleNamespace(epoch=self.epoch, version=3)

    async def state(self, at_least: int) -> Any:  # noqa: ANN401  stands for the registry's state
        assert at_least == self.epoch
        return SimpleNamespace(epoch=self.epoch, aliases=SimpleNamespace(challenger=3, champion=self.champion))

    async def settle_challenge(self, challenger: int, champion: int, judgement: Judgement) -> bool:
        self.judged.append((challenger, champion))
        self.judgements.append(judgement)
        return champion == self.champion  # or else the aliases have moved

    async def load(self, number: int, like: object, *, told: float) -> Any:  # noqa: ANN401  stands for an encoder
        assert told > 0.0
        assert like is self.current
        self.loads += 1
        if self.failures:
            raise self.failures.pop(0)
        return version(number)


async def follow(stand: Stand, until: Callable[[], bool], *, change: Callable[[], None]) -> None:
    agent = ShadowAgent(
        cast("Any", stand),
        cast("Any", stand),
        cast("Any", stand),
        cast("Any", stand),
        SwapSettings(shadow=True, shadow_messages=1),
        SwapMetrics(CollectorRegistry()),
    )
    task = asyncio.create_task(agent.run())
    async with asyncio.timeout(10):
        change()
        while not until():
            for live in (LIVE, OF_NEXT):
                agent.see(live.record, live.message, live.prediction)
            await asyncio.sleep(0.01)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shadow, "_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(shadow, "_STEP_SECONDS", 0.01)


def test_a_challenger_is_judged_against_the_champion() -> None:
    stand = Stand()
    asyncio.run(follow(stand, lambda: bool(stand.judged), change=lambda: None))
    assert stand.judged == [(3, 1)]


def test_a_challenge_that_comes_while_the_worker_changes_versions_is_judged_after() -> None:
    stand = Stand(champion=2)

    def swap_later() -> None:
        asyncio.get_running_loop().call_later(0.3, lambda: setattr(stand, "current", version(2)))

    asyncio.run(follow(stand, lambda: bool(stand.judged), change=swap_later))
    assert stand.judged == [(3, 2)]


def test_a_challenge_that_another_champion_breaks_off_is_judged_against_that_one() -> None:
    stand = Stand()

    def promote_later() -> None:
        def promote() -> None:
            stand.champion, stand.current = 2, version(2)

        asyncio.get_running_loop().call_soon(promote)

    asyncio.run(follow(stand, lambda: bool(stand.judged), change=promote_later))
    assert stand.judged == [(3, 2)]
    assert stand.loads <= 2


def test_a_judgement_that_came_too_late_for_its_champion_is_made_anew_on_the_next_one() -> None:
    # The registry has another champion already, and this worker does not serve it yet.
    stand = Stand()

    async def moved(at_least: int) -> Any:  # noqa: ANN401  stands for the registry's state
        told = await Stand.state(stand, at_least)
        stand.champion = 2
        asyncio.get_running_loop().call_later(0.2, lambda: setattr(stand, "current", version(2)))
        return told

    stand.state = moved  # type: ignore[method-assign]
    asyncio.run(follow(stand, lambda: (3, 2) in stand.judged, change=lambda: None))
    assert stand.judged[0] == (3, 1)


def test_a_challenger_that_is_refused_once_is_tried_again() -> None:
    stand = Stand()
    stand.failures = [VersionError("a file is cut")]
    asyncio.run(follow(stand, lambda: bool(stand.judged), change=lambda: None))
    assert [judgement.is_let_in for judgement in stand.judgements] == [True]
    assert stand.loads == 2


def test_a_challenger_that_is_refused_twice_is_dismissed() -> None:
    stand = Stand()
    stand.failures = [VersionError("a file is cut"), TrialError("killed"), VersionError("a file is still cut")]
    asyncio.run(follow(stand, lambda: bool(stand.judged), change=lambda: None))
    (judgement,) = stand.judgements
    assert (judgement.is_let_in, judgement.reason) == (False, "it was refused: a file is still cut")
    assert stand.loads == 3


def test_a_refusal_of_the_challenge_before_is_not_counted() -> None:
    stand = Stand()

    async def refused_first(number: int, like: object, *, told: float) -> Any:  # noqa: ANN401  stands for an encoder
        if stand.loads < 2:
            stand.failures = [VersionError("a file is cut")]
        try:
            return await Stand.load(stand, number, like, told=told)
        except VersionError:
            stand.epoch += 1
            raise

    stand.load = refused_first  # type: ignore[method-assign]
    asyncio.run(follow(stand, lambda: bool(stand.judged), change=lambda: None))
    assert [judgement.is_let_in for judgement in stand.judgements] == [True]
    assert stand.loads == 3


@pytest.mark.parametrize("error", [VersionError("aliases/5.json is missing"), OSError("away"), MemoryError()])
def test_a_state_that_cannot_be_read_ends_no_challenge(error: Exception) -> None:
    stand = Stand()
    failures = [error]

    async def unread(at_least: int) -> Any:  # noqa: ANN401  stands for the registry's state
        if failures:
            raise failures.pop()
        return await Stand.state(stand, at_least)

    stand.state = unread  # type: ignore[method-assign]
    asyncio.run(follow(stand, lambda: bool(stand.judged), change=lambda: None))
    assert stand.judged == [(3, 1)]
