"""Whether a generator writes here what it wrote where it was exported.

The graph is led through a recorded text token by token, and asked at each place for the likeliest next one. Only places
where it was sure count: another processor's kernels round otherwise, and where two tokens are nearly as likely that
decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.generator.config import GreedyParity, GreedySample
from models.manifest import ParityError, VersionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from models.generator.session import Rows

# Of the likeliest token over the second, in logits.
_SURE = 1.0
_TOKENS = 16


def record(rows: Rows, prompts: Sequence[Sequence[int]]) -> GreedyParity:
    """Write to prompts, likeliest token by likeliest token, and keep what was written.

    Args:
        rows: Of the served graph.
        prompts: Ids, fit to be kept in the version.

    Raises:
        VersionError: It was sure of nothing.
    """
    rows.reserve(max(map(len, prompts)) + _TOKENS)
    samples = tuple(_record(rows, prompt) for prompt in prompts)
    if not any(sample.sure for sample in samples):
        raise VersionError("the generator is sure of no token after any of the sample prompts: its weights are broken")
    return GreedyParity(samples=samples)


def check(rows: Rows, parity: GreedyParity) -> None:
    """Compare what a graph would write with what was recorded.

    Args:
        rows: Of the graph.
        parity: What was recorded at export.

    Raises:
        ParityError: At a place where it was sure it would write another token.
    """
    rows.reserve(max(len(sample.prompt) for sample in parity.samples) + _TOKENS)
    for number, sample in enumerate(parity.samples, 1):
        followed = list(_follow(rows, sample.prompt, sample.tokens))
        for place in sample.sure:
            token = int(followed[place].argmax())
            if token != sample.tokens[place] or not np.isfinite(followed[place][token]):
                raise ParityError(
                    f"parity sample {number}: the generator writes another token at place {place} than at the export"
                )


def _record(rows: Rows, prompt: Sequence[int]) -> GreedySample:
    tokens: list[int] = []
    sure: list[int] = []
    for place, logits in enumerate(_follow(rows, prompt, tokens)):
        if place == _TOKENS:
            break
        second, first = np.partition(logits, -2)[-2:]
        # A NaN is not sure.
        if first - second >= _SURE:
            sure.append(place)
        tokens.append(int(logits.argmax()))
    return GreedySample(prompt=tuple(prompt), tokens=tuple(tokens), sure=tuple(sure))


def _follow(rows: Rows, prompt: Sequence[int], tokens: Sequence[int]) -> Iterator[NDArray[np.float32]]:
    """Logits after the prompt and after each token, which may be put to the list as they are asked for."""
    yield rows.read(0, prompt)[0].copy()
    place = 0
    while place < len(tokens):
        yield rows.step(tokens[place : place + 1])[0].copy()
        place += 1
