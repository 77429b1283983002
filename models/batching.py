"""Which texts share a run of the graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# What a run costs beside its tokens, in tokens. Fitted to runs of MiniLM-L6 int8 with 1 to 32 texts of 8 to 64 tokens,
# on one core without VNNI, it is 12 (3.2 ms against 0.27 ms a token); but a token costs up to a third more in runs too
# large for the core's cache, so that somewhat smaller runs are faster: 8 was best on real messages.
_RUN_COST_TOKENS = 8


def sub_batches(lengths: Sequence[int], most: int) -> Iterator[list[int]]:
    """Part texts into runs of about equal length, since every row of a run is padded to its longest.

    Shortest first; a text opens a run of its own where lengthening the rows before it would cost more than a run does.

    Args:
        lengths: Tokens of each text.
        most: Most texts in one run.

    Yields:
        Places of the texts of one run, which together are every text once.
    """
    run: list[int] = []
    longest = 0
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        length = lengths[place]
        if run and (len(run) == most or len(run) * (length - longest) > _RUN_COST_TOKENS):
            yield run
            run = []
        run.append(place)
        longest = length
    if run:
        yield run
