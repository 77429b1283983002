"""Files and folders of answers: which there are, how each is read, and its documents."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Literal, TypeAlias, assert_never

from streams.sources.answers.html import read_html
from streams.sources.answers.items import AnswersError
from streams.sources.answers.jsonl import read_jsonl
from streams.sources.answers.markdown import read_markdown
from streams.sources.answers.table import read_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.sources.answers.items import Item
    from streams.sources.answers.making import DocumentMaker

Format: TypeAlias = Literal["csv", "jsonl", "markdown", "html"]

FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
}
"""By extension."""


def files_of(path: Path) -> list[tuple[Path, str]]:
    """Each file of answers with the name under which its documents are kept.

    Args:
        path: A file, whose name is its own; or a folder, whose files of a known extension are read, those of folders
            in it too, each by its path within. What begins with a dot is left out.

    Raises:
        AnswersError: There is no such file or folder, or nothing of a known extension in it.
    """
    if path.is_file():
        return [(path, path.name)]
    if not path.is_dir():
        raise AnswersError(f"{path}: there is no such file or folder")
    found = [(file, file.relative_to(path)) for file in sorted(path.rglob("*")) if file.is_file()]
    named = [
        (file, name.as_posix())
        for file, name in found
        if name.suffix.lower() in FORMATS and not any(part.startswith(".") for part in name.parts)
    ]
    if not named:
        raise AnswersError(f"{path}: no file in it ends with one of {', '.join(FORMATS)}")
    return named


def guess_format(name: str) -> Format:
    """Format by the extension.

    Raises:
        AnswersError: It is none that is known.
    """
    extension = PurePath(name).suffix.lower()
    if extension not in FORMATS:
        raise AnswersError(f"{name}: cannot tell its format by {extension or 'its name'}: give --format")
    return FORMATS[extension]


def read_answers(format_: Format, text: str, maker: DocumentMaker) -> Iterator[Item]:
    """Items of a file, each a document or a refusal with its place.

    Args:
        format_: Which it is.
        text: Its content.
        maker: Makes the documents.

    Raises:
        AnswersError: The file as a whole is not of this format.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    match format_:
        case "csv":
            return read_table(text, maker)
        case "jsonl":
            return read_jsonl(text, maker)
        case "markdown":
            return read_markdown(text, maker)
        case "html":
            return read_html(text, maker)
        case _:
            assert_never(format_)
