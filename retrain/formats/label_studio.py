"""Label Studio's JSON export: a list of tasks, each with its annotations.

https://labelstud.io/guide/task_format
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from retrain.formats.documents import documents
from retrain.formats.items import Refused, Unlabelled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrain.formats.fields import LabelMaker
    from retrain.formats.items import Item


class _Result(msgspec.Struct):
    """What one control of the labelling page says, of the text or of a region of it."""

    type: str = ""
    from_name: str = ""
    id: str | int | None = None
    value: dict[str, Any] = {}


class _Annotation(msgspec.Struct):
    result: list[_Result] = []
    completed_by: int | str | dict[str, Any] | None = None
    was_cancelled: bool | None = False
    created_at: str | None = None
    updated_at: str | None = None


class _Task(msgspec.Struct):
    data: dict[str, Any]
    annotations: list[_Annotation]
    id: int | str | None = None


def read_label_studio(text: str, maker: LabelMaker) -> Iterator[Item]:
    """An item for each annotation, and for each task without any.

    ``Choices`` and ``TextArea`` are fields of a label by the names of their controls, ``Labels`` are entities by
    whatever name, and a ``Choices`` with ``perRegion`` is the sentiment towards its region. Message, kind, source and
    the like are taken from the task's data. Cancelled annotations and the model's own predictions are left aside.

    Where any annotation of the file marks an entity, one that marks none says that there is none.

    Args:
        text: The file's; bytes that were not of its encoding as surrogates.
        maker: Makes labels of annotations.

    Raises:
        FormatError: The list cannot be read to its end.
    """
    tasks: list[tuple[str, _Task] | Refused] = []
    for found in documents(text):
        if isinstance(found, Refused):
            tasks.append(found)
            continue
        place, document = found
        try:
            tasks.append((place, msgspec.convert(document, _Task)))
        except ValueError as error:
            tasks.append(Refused(place, f"it is no task of Label Studio's JSON export (not JSON-MIN): {error}"))
    marks = any(
        result.type == "labels"
        for task in tasks
        if not isinstance(task, Refused)
        for annotation in task[1].annotations
        for result in annotation.result
    )
    for task in tasks:
        if isinstance(task, Refused):
            yield task
        else:
            yield from _items(*task, maker, marks=marks)


def _items(place: str, task: _Task, maker: LabelMaker, *, marks: bool) -> Iterator[Item]:
    if task.id is not None:
        place = f"{place} (task {task.id})"
    annotations = [annotation for annotation in task.annotations if not annotation.was_cancelled]
    if not annotations:
        yield Unlabelled(place)
    for annotation in annotations:
        try:
            said = _said(task, annotation, maker, marks=marks)
        except ValueError as error:
            yield Refused(place, str(error))
            continue
        # A "time" in the task's data is most likely the message's.
        given = {"time": annotation.updated_at or annotation.created_at, "labeller": _labeller(annotation)}
        yield maker.item(place, task.data | given, said)


def _labeller(annotation: _Annotation) -> str | None:
    who = annotation.completed_by
    # Not the e-mail that stands beside the id.
    number = who.get("id") if isinstance(who, dict) else who
    return None if number is None else f"label-studio:{number}"


def _said(task: _Task, annotation: _Annotation, maker: LabelMaker, *, marks: bool) -> dict[str, Any]:
    text = maker.text_of(task.data)
    said: dict[str, Any] = {}
    regions: dict[str | int | None, dict[str, Any]] = {}
    for result in annotation.result:
        if result.type == "labels":
            regions[result.id] = _region(result.value, text)
    for result in annotation.result:
        choices = result.value.get("choices")
        if choices and result.id in regions:
            regions[result.id]["sentiment"] = choices[0]
        elif choices:
            is_topics = maker.field_of(result.from_name) == "topics"
            said[result.from_name] = choices if is_topics else choices[0]
        elif result.type == "textarea" and (written := result.value.get("text")):
            said[result.from_name] = written if isinstance(written, str) else "\n".join(written)
    if said and not regions and not any(maker.field_of(name) for name in said):
        raise ValueError(f"it answers {', '.join(said)}: none is a field of a label; say such as --map sentiment=NAME")
    if regions or marks:
        said[maker.name_of("entities")] = list(regions.values())
    return said


def _region(value: dict[str, Any], text: str) -> dict[str, Any]:
    labels = value.get("labels") or [""]
    start, end = _places(value, text)
    return {"start": start, "end": end, "type": labels[0]}


def _places(value: dict[str, Any], text: str) -> tuple[int, int]:
    """First and one past the last code point of a region.

    Label Studio has counted in UTF-16 code units at times (its issues 1347 and 1008), where an emoji is two; the words
    that it keeps beside the places tell which it was.
    """
    start, end = msgspec.convert((value.get("start"), value.get("end")), tuple[int, int])
    words = value.get("text")
    if not isinstance(words, str) or _same(text[start:end], words):
        return start, end
    units = text.encode("utf-16-le", "surrogatepass")
    before = len(units[: 2 * start].decode("utf-16-le", "replace"))
    inside = units[2 * start : 2 * end].decode("utf-16-le", "replace")
    if _same(inside, words):
        return before, before + len(inside)
    raise ValueError(f"the words at {start}-{end} are not those that were marked: was the task's text changed?")


def _same(left: str, right: str) -> bool:
    # A line break is written as a backslash and an n, and other space as it was shown.
    return left.split() == right.replace("\\n", " ").split()
