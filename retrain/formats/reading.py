"""Which format a file of labels has, and its reader."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Literal, TypeAlias, assert_never

from retrain.formats.argilla import read_argilla
from retrain.formats.documents import first_document
from retrain.formats.items import FormatError
from retrain.formats.jsonl import read_jsonl
from retrain.formats.label_studio import read_label_studio
from retrain.formats.table import read_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrain.formats.fields import LabelMaker
    from retrain.formats.items import Item

Format: TypeAlias = Literal["csv", "jsonl", "label-studio", "argilla", "conll"]

_TABLES = frozenset({".csv", ".tsv", ".tab"})
_JSON = frozenset({".json", ".jsonl", ".ndjson"})
_COLUMNS = frozenset({".conll", ".conll2003", ".bio", ".iob", ".iob2", ".bioes"})


def guess_format(name: str, text: str) -> Format:
    """Format by the extension and, for JSON, by what is in the first object.

    Args:
        name: Name of the file.
        text: Its content.

    Raises:
        FormatError: It cannot be told.
    """
    extension = PurePath(name).suffix.lower()
    if extension in _TABLES:
        return "csv"
    if extension in _COLUMNS:
        return "conll"
    if extension not in _JSON:
        raise FormatError(f"cannot tell its format by {extension or 'its name'}: give --format")
    first = first_document(text) or {}
    if "annotations" in first and "data" in first:
        return "label-studio"
    if "responses" in first or any(key.endswith(".responses") for key in first):
        return "argilla"
    return "jsonl"


def read_labels_of(format_: Format, text: str, maker: LabelMaker) -> Iterator[Item]:
    """Items of a file, each a label, a refusal with its place, or a message that nobody labelled.

    Args:
        format_: Which it is.
        text: Its content; bytes that are not of its encoding as surrogates.
        maker: Makes the labels.

    Raises:
        FormatError: The file as a whole is not of this format; at the call or while it is read.
    """
    match format_:
        case "csv":
            return read_table(text, maker)
        case "jsonl":
            return read_jsonl(text, maker)
        case "label-studio":
            return read_label_studio(text, maker)
        case "argilla":
            return read_argilla(text, maker)
        case "conll":
            return _conll(text, maker)
        case _:
            assert_never(format_)


def _conll(text: str, maker: LabelMaker) -> Iterator[Item]:
    try:
        # Late: of all formats this alone needs seqeval.
        from retrain.formats.conll import read_conll  # noqa: PLC0415
    except ImportError as error:
        raise FormatError(f"reading CoNLL needs `pip install 'tocsin[retrain]'`: {error}") from error
    return read_conll(text, maker)
