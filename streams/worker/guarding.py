"""Tasks that must not end unseen."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


async def guard(run: Callable[[], Awaitable[None]], fail: Callable[[BaseException], None]) -> None:
    """Run, and tell whatever ends it but its own cancellation.

    Args:
        run: What the task is for.
        fail: Told what it cannot go on with.
    """
    try:
        await run()
    except asyncio.CancelledError as error:
        # Work may end with a cancellation that is not this task's, as closing a client does at times: were it taken for
        # one, nobody would learn that the task is gone.
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        fail(error)
    except Exception as error:  # noqa: BLE001  told
        fail(error)
