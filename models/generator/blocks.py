"""Weights in blocks of 64 with a scale each, as onnxruntime's MatMulNBits reads them.

Eight bits are symmetric, the largest weight of a block at 127, as in llama.cpp's Q8_0: an fp32 scale for 64 weights
here and an fp16 one for 32 there are 8.5 bits a weight alike. Four bits have a zero point a block besides, as Q4_1 has
a least value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK = 64
"""Weights of one scale."""

_MIDDLE = 128
_STEPS = {8: 127, 4: 15}


class Blocks(NamedTuple):
    """A quantised matrix of [outputs, inputs]."""

    values: NDArray[np.uint8]
    """[outputs, blocks, 64], or of four bits [outputs, blocks, 32], the lower half of a byte first."""
    scales: NDArray[np.float32]
    """[outputs, blocks]."""
    zeros: NDArray[np.uint8] | None
    """Of four bits alone: what stands for zero, two blocks a byte, [outputs, blocks / 2 rounded up]."""


def quantized(weight: NDArray[np.float32], bits: Literal[4, 8]) -> Blocks:
    """Quantise a matrix.

    Args:
        weight: float32 [outputs, inputs]; inputs that fill no block are padded with zeros.
        bits: Of a weight.
    """
    outputs, inputs = weight.shape
    padded = np.pad(weight, ((0, 0), (0, -inputs % BLOCK))).reshape(outputs, -1, BLOCK)
    return _eight(padded) if bits == 8 else _four(padded)  # noqa: PLR2004  bits


def _eight(blocks: NDArray[np.float32]) -> Blocks:
    scales = np.abs(blocks).max(axis=2) / np.float32(_STEPS[8])
    values = np.rint(blocks / _divisors(scales)) + _MIDDLE
    return Blocks(values.astype(np.uint8), scales.astype(np.float32), None)


def _four(blocks: NDArray[np.float32]) -> Blocks:
    # Zero is always within, so that it stays zero.
    least, most = np.minimum(blocks.min(axis=2), 0.0), np.maximum(blocks.max(axis=2), 0.0)
    scales = ((most - least) / np.float32(_STEPS[4])).astype(np.float32)
    zeros = np.rint(-least / _divisors(scales)[..., 0])
    values = np.clip(np.rint(blocks / _divisors(scales)) + zeros[..., None], 0, _STEPS[4]).astype(np.uint8)
    return Blocks(_packed(values), scales, _packed(zeros.astype(np.uint8)))


def _divisors(scales: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scales to divide by, [outputs, blocks, 1]; a block of zeros divides by one."""
    divisors: NDArray[np.float32] = np.where(scales > 0, scales, np.float32(1.0))[..., None]
    return divisors


def _packed(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pairs of the last axis in one byte each, the first of a pair in the lower half."""
    odd = [(0, 0)] * (values.ndim - 1) + [(0, values.shape[-1] % 2)]
    even = np.pad(values, odd)
    packed: NDArray[np.uint8] = even[..., 0::2] | (even[..., 1::2] << np.uint8(4))
    return packed
