"""A broken model is not its messages' fault: it must not bury a whole stream as dead letters.

One message that cannot be read is a dead letter. When messages fail, though, the model is asked at once for a text that
it is known to read; where it fails at that too, it is the model that is broken, and nothing of the batch is done. So no
count of failures is waited for, in which good messages would be buried, and no run of bad messages, however long, takes
a good model down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Until the stream's own texts are known: nothing that any reader of text could stumble over.
_FIRST_KNOWN = "Shares rose."


class BrokenModelError(RuntimeError):
    """The model reads nothing any more; the worker must end, with the batch in hand unacknowledged."""


class Breaker:
    """Tells a broken model from messages that cannot be read.

    Args:
        read: Reads texts as the stream's are read, and raises where it cannot.
    """

    def __init__(self, read: Callable[[list[str]], object]) -> None:
        self._read = read
        self._known = _FIRST_KNOWN

    def judge(self, answered: Mapping[int, str], failures: Mapping[int, Exception]) -> None:
        """Look at what came of one batch, before anything is made of it.

        Args:
            answered: The texts that were read, by the place in the batch at which they were asked for.
            failures: What was raised for each of the others, after all attempts, likewise.

        Raises:
            BrokenModelError: The last ones failed, and the model does not read what it has read before either.
        """
        last_failed = max(failures, default=-1)
        # What was read after the last failure is proof enough.
        if last_failed > max(answered, default=-1):
            try:
                self._read([self._known])
            except Exception as error:
                raise BrokenModelError(
                    f"the model failed at {len(failures)} of {len(answered) + len(failures)} messages "
                    f"({type(failures[last_failed]).__name__}), and then at a text that it has read before "
                    f"({type(error).__name__}): it is broken. Nothing of this batch is acknowledged; a worker that "
                    "starts anew loads it anew, and `tocsin models show` verifies its files"
                ) from error
        if answered:
            # The shortest: it is kept, and is read again in a hurry.
            self._known = min(answered.values(), key=len)
