"""What a desk means by a name: subjects, and matchers of silences, under the names by which they are counted. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from streams.contract.subjects import EntityNames, Subject, parse_subject
from streams.logic.silencing import check_matchers, parse_matcher

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streams.contract.alerts import Matcher
    from streams.contract.domain import Domain


def meant_subject(domain: Domain, text: str) -> Subject:
    """The subject that a person means: by its key, or an entity by any of its names.

    Raises:
        ValueError: It is none, or could be two.
    """
    if "/" in text:
        subject = parse_subject(text)
    elif text in domain.topic_names:
        raise ValueError(f"{text!r} is a topic: say topic/{text}, or entity/{text} for an entity")
    else:
        subject = Subject(entity=text)
    if subject.topic is not None and subject.topic not in domain.topic_names:
        topics = ", ".join(domain.topic_names)
        raise ValueError(f"the domain {domain.name} has no topic {subject.topic!r}: one of {topics}")
    if subject.entity is None:
        return subject
    name = EntityNames(domain.entities).normalise(subject.entity)
    if name is None:
        raise ValueError(f"nothing is left of the name in {text!r}")
    return Subject(entity=name, topic=subject.topic)


def meant_matchers(domain: Domain, texts: Iterable[str]) -> list[Matcher]:
    """The matchers of a silence as a desk writes them, each subject and entity by the name under which it is counted.

    Raises:
        ValueError: One is no matcher, or all together would mute every alert.
    """
    matchers = [_with_our_name(domain, parse_matcher(text)) for text in texts]
    check_matchers(matchers)
    return matchers


def matcher_text(matcher: Matcher) -> str:
    """A matcher as a desk writes it."""
    operators = {(True, False): "=", (False, False): "!=", (True, True): "=~", (False, True): "!~"}
    return f"{matcher.name}{operators[matcher.isEqual, matcher.isRegex]}{matcher.value}"


def _with_our_name(domain: Domain, matcher: Matcher) -> Matcher:
    if matcher.isRegex or not matcher.value:
        return matcher
    if matcher.name == "subject":
        return msgspec.structs.replace(matcher, value=meant_subject(domain, matcher.value).key)
    if matcher.name == "entity":
        named = meant_subject(domain, f"entity/{matcher.value}")
        return msgspec.structs.replace(matcher, value=named.entity)
    return matcher
