"""What an ONNX file must not have: weights in other files, which no checksum of its own covers, and others' operators.

A scan of the protobuf wire format, so that the serving path needs no ``onnx`` package. Only messages that lead to a
tensor are entered; the tensors' bytes are skipped. Field numbers are those of onnx/onnx.proto3.
"""

from __future__ import annotations

import mmap
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_VARINT_BITS = 7
_VARINT_LONGEST = 70

# For each message, the fields that hold further messages on the way to a tensor.
_FIELDS: dict[str, dict[int, str]] = {
    "Model": {7: "Graph", 20: "Training", 25: "Function"},
    "Training": {1: "Graph", 2: "Graph"},
    "Function": {7: "Node", 11: "Attribute"},
    "Graph": {1: "Node", 5: "Tensor", 15: "SparseTensor"},
    "Node": {5: "Attribute"},
    "Attribute": {5: "Tensor", 6: "Graph", 10: "Tensor", 11: "Graph", 22: "SparseTensor", 23: "SparseTensor"},
    "SparseTensor": {1: "Tensor", 2: "Tensor"},
}
# Operator sets are named by the model, its functions by themselves.
_DOMAIN_FIELDS = {8: 1, 25: 10}
_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})
_TENSOR_EXTERNAL_DATA = 13
_TENSOR_DATA_LOCATION = 14
_DEEPEST = 64


class MalformedModelError(ValueError):
    """The bytes are no ONNX model."""


def has_external_data(path: Path) -> bool:
    """Tell whether any tensor of an ONNX file names another file.

    Raises:
        MalformedModelError: The file is empty or no protobuf message.
        OSError: It cannot be read.
    """
    with _mapped(path) as content:
        return _is_external(content, 0, len(content), "Model", 0)


def foreign_domains(path: Path) -> list[str]:
    """Domains of operators that are neither ONNX's nor onnxruntime's own, in order.

    Raises:
        MalformedModelError: The file is empty or no protobuf message.
        OSError: It cannot be read.
    """
    with _mapped(path) as content:
        found = {
            bytes(content[first:last]).decode("utf-8", "replace")
            for number, kind, start, end in _scan(content, 0, len(content))
            if number in _DOMAIN_FIELDS and kind == _BYTES
            for inner, inner_kind, first, last in _scan(content, start, end)
            if inner == _DOMAIN_FIELDS[number] and inner_kind == _BYTES
        }
    return sorted(found - _DOMAINS)


@contextmanager
def _mapped(path: Path) -> Iterator[memoryview]:
    with path.open("rb") as file:
        try:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError as error:  # an empty file cannot be mapped
            raise MalformedModelError("the file is empty") from error
        with mapped, memoryview(mapped) as content:
            yield content


def _is_external(content: memoryview, start: int, end: int, message: str, depth: int) -> bool:
    if depth > _DEEPEST:
        raise MalformedModelError("messages are nested too deeply")
    fields = _FIELDS.get(message, {})
    for number, kind, first, last in _scan(content, start, end):
        if message == "Tensor":
            if number == _TENSOR_EXTERNAL_DATA:
                return True
            if number == _TENSOR_DATA_LOCATION and kind == _VARINT and _varint(content, first, last)[0] != 0:
                return True
        elif kind == _BYTES and number in fields and _is_external(content, first, last, fields[number], depth + 1):
            return True
    return False


def _scan(content: memoryview, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Each field's number and wire type, and where its value begins and ends."""
    position = start
    while position < end:
        key, position = _varint(content, position, end)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            last = _varint(content, position, end)[1]
        elif kind == _BYTES:
            length, position = _varint(content, position, end)
            last = position + length
        elif kind in {_FIXED64, _FIXED32}:
            last = position + (8 if kind == _FIXED64 else 4)
        else:
            raise MalformedModelError(f"wire type {kind} at byte {position}")
        if last > end:
            raise MalformedModelError(f"a field at byte {position} goes on past its end: the file is cut")
        yield number, kind, position, last
        position = last


def _varint(content: memoryview, position: int, end: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, _VARINT_LONGEST, _VARINT_BITS):
        if position >= end:
            break
        byte = content[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004  the last byte of a varint has its highest bit clear
            return value, position
    raise MalformedModelError(f"a number breaks off at byte {position}")
