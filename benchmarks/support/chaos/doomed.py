"""``tocsin`` that is killed (SIGKILL, by itself) at a chosen stage of its work: the moment is no matter of luck.

The product has no hooks for this: here one of its functions is wrapped before the command runs. The stage stands in
``CHAOS_STAGE``.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

from streams.agents import enrich
from streams.cli.main import main
from streams.logic.enricher import Enricher
from streams.worker.recovery import Recovery
from streams.worker.serving import Serving

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

STAGE = "CHAOS_STAGE"
_BATCHES_BEFORE = 5


def kill_oneself() -> None:
    """What ``kill -9`` does."""
    os.kill(os.getpid(), signal.SIGKILL)


def _before_inference() -> None:
    """A batch is gathered, and nothing of it is read."""
    counted = _counting(Enricher.enrich)
    Enricher.enrich = counted  # type: ignore[method-assign]


def _counting(do: Callable[..., Any]) -> Callable[..., Any]:
    done = 0

    def count(*args: Any) -> Any:  # noqa: ANN401  whatever it is given
        nonlocal done
        done += 1
        if done > _BATCHES_BEFORE:
            kill_oneself()
        return do(*args)

    return count


def _after_publish() -> None:
    """The outputs of a batch are acknowledged, and its inputs are not."""
    publish: Callable[..., Awaitable[None]] = enrich._publish  # noqa: SLF001  the moment that is wanted
    done = 0

    async def publish_and_die(*args: Any) -> None:  # noqa: ANN401  whatever it is given
        nonlocal done
        await publish(*args)
        done += 1
        if done > _BATCHES_BEFORE:
            kill_oneself()

    enrich._publish = publish_and_die  # type: ignore[assignment]  # noqa: SLF001  likewise


def _in_a_swap() -> None:
    """Another version answers, and nobody has been told."""
    exchange = Serving.exchange

    def exchange_and_die(self: Serving, encoder: Any) -> None:  # noqa: ANN401  an encoder
        exchange(self, encoder)
        kill_oneself()

    Serving.exchange = exchange_and_die  # type: ignore[method-assign]


def _in_recovery() -> None:
    """Half of a partition's state is read."""
    read = Recovery.surge_state

    def read_half(self: Recovery, partition: int) -> Iterator[Any]:
        states = read(self, partition)
        yield from states[: len(states) // 2]
        if states:
            kill_oneself()

    Recovery.surge_state = read_half  # type: ignore[assignment,method-assign]


STAGES: dict[str, Callable[[], None]] = {
    "before-inference": _before_inference,
    "after-publish": _after_publish,
    "in-a-swap": _in_a_swap,
    "in-recovery": _in_recovery,
}

if __name__ == "__main__":
    STAGES[os.environ[STAGE]]()
    main()
