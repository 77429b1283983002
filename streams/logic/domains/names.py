"""Whether the names under ``[entities.aliases]`` come to what they should."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.contract.subjects import EntityNames
from streams.logic.domains.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from streams.contract.domain import Domain, Entities
    from streams.logic.domains.finding import Placed

_PLACE = "domain.toml, entities.aliases"


def check_names(domain: Domain, placed: Sequence[Placed], texts: Sequence[str]) -> Iterator[Finding]:
    """Marked names that come to nothing, aliases of two names, and names that no entity resolves to.

    Args:
        domain: Whose aliases they are.
        placed: The seed examples.
        texts: Other texts in which a name may stand, such as the sample's.
    """
    yield from _aliases(domain.entities)
    names = EntityNames(domain.entities)
    marked: set[str] = set()
    for place, example in placed:
        for span in example.entities:
            name = example.text[span.start : span.end]
            counted = names.normalise(name)
            if counted is None:
                yield Finding(
                    level="warning",
                    place=place,
                    problem=f"nothing is left of the name {name!r}",
                    advice="it is counted for no subject: mark letters or digits",
                )
            else:
                marked.add(counted)
    yield from _unmet(domain.entities, names, marked, [*(one.example.text for one in placed), *texts])


def _aliases(entities: Entities) -> Iterator[Finding]:
    # Each name alone, as it is counted without the others' help.
    plain = EntityNames(entities.model_copy(update={"aliases": {}}))
    owner: dict[str, str] = {}
    for canonical, aliases in entities.aliases.items():
        for alias in (canonical, *aliases):
            counted = plain.normalise(alias)
            if counted is None:  # such as "HT", which names something by being an alias alone
                continue
            before = owner.setdefault(counted, canonical)
            if before != canonical:
                yield Finding(
                    level="error",
                    place=_PLACE,
                    problem=f"{alias!r} stands under {before!r} and under {canonical!r}",
                    advice="it would count for the last of them: keep it under one",
                )
            elif alias != canonical and counted == plain.normalise(canonical):
                yield Finding(
                    level="note",
                    place=_PLACE,
                    problem=f"{alias!r} is counted as {canonical!r} without being named",
                    advice="case, marks and legal endings make no difference: it may go",
                )


def _unmet(entities: Entities, names: EntityNames, marked: Collection[str], texts: Sequence[str]) -> Iterator[Finding]:
    said = "\n".join(texts).casefold()
    for canonical, aliases in entities.aliases.items():
        if names.normalise(canonical) not in marked and not any(
            name.casefold() in said for name in (canonical, *aliases)
        ):
            yield Finding(
                level="note",
                place=_PLACE,
                problem=f"no example names {canonical!r}, by none of its names",
                advice="is it written as people write it? An example with it marked shows the model what it is",
            )
