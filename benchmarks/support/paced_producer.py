"""Messages at a steady mean rate from a process of its own, as a stream's source would send them."""

from __future__ import annotations

import argparse
import random
import time
from itertools import cycle

from benchmarks.support.real_messages import load_messages
from benchmarks.support.rooms import tell
from streams.brokers.client import producer
from streams.contract.settings import load_settings

_DISTINCT = 12_000
_SEED = 13


def main() -> None:
    """Send at random moments (a Poisson process) of the rate given, never waiting for an answer.

    A moment that was missed is made up for at once, so that a slow broker or worker does not slow the stream down: what
    it does to the latency is measured, not hidden.
    """
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--rate", type=float, required=True, help="Mean messages a second.")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--first", type=int, default=0, help="Id of the first message; the others count on from it.")
    parser.add_argument("--linger-ms", type=int, default=0, help="How long one may wait for others to be sent with.")
    given = parser.parse_args()
    kafka, topics = load_settings().kafka, load_settings().topics
    topic_of = {kind: name for name, kind in topics.inputs.items()}
    gaps = random.Random(_SEED)  # noqa: S311  no secret: the same moments in every run
    count = max(1, round(given.rate * given.seconds))
    messages = cycle(load_messages(min(count, _DISTINCT)))
    late = 0.0
    with producer(kafka, linger_ms=given.linger_ms) as sender:
        due = started = time.perf_counter()
        for number in range(given.first, given.first + count):
            due += gaps.expovariate(given.rate)
            wait = due - time.perf_counter()
            if wait > 0:
                time.sleep(wait)
            late = max(late, -wait)
            message = next(messages).of_now()._replace(id=str(number))
            sender.send(topic_of[message.kind], key=message.id.encode(), value=message.encode())
        seconds = time.perf_counter() - started
        sender.flush()
    tell({"messages": count, "messages_per_second": count / seconds, "latest_seconds": late})


if __name__ == "__main__":
    main()
