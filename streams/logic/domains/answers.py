"""Whether customers' messages find answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.logic.domains.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streams.contract.domain import Domain
    from streams.contract.replies import Document


def check_answers(domain: Domain, documents: Sequence[Document]) -> Iterator[Finding]:
    """Answers that belong nowhere, intents and topics that have none, and languages without words that tell.

    A domain without intents has no customers, and nothing is asked of it.
    """
    if not domain.intents:
        return
    if not documents:
        yield Finding(
            level="warning",
            place="answers",
            problem="there are no answers",
            advice="every customer's message goes to a person until there are: see docs/answers.md",
        )
        return
    for document in documents:
        if document.question is not None and document.intent is None and not document.topics:
            yield Finding(
                level="warning",
                place=f"answers/{document.source}",
                problem=f"an answer without topic and intent: {document.question!r}",
                advice="put a line such as `intent: NAME; topics: NAME` under its heading",
            )
    yield from _uncovered(domain, documents)
    for language in domain.replies.languages:
        if language not in domain.replies.words:
            yield Finding(
                level="warning",
                place="domain.toml, replies.words",
                problem=f"no words of anger, law or danger are known in {language}",
                advice=f"write [replies.words.{language}]: without it such messages are not handed to people",
            )


def _uncovered(domain: Domain, documents: Sequence[Document]) -> Iterator[Finding]:
    """Intents and topics for which there is nothing."""
    rules = domain.replies
    answered = {document.intent for document in documents if document.question is not None}
    by_people = {*rules.person, *rules.asks_person}
    for intent in domain.intent_names:
        if intent not in answered and intent not in by_people:
            yield Finding(
                level="note",
                place="answers",
                problem=f"no answer has the intent {intent}",
                advice="write one, or leave these messages to people: replies.person",
            )
    covered = {topic for document in documents for topic in document.topics}
    for topic in rules.alone:
        if topic not in covered:
            yield Finding(
                level="note",
                place="answers",
                problem=f"no answer or page has the topic {topic}, on which replies may go out by themselves",
                advice="write one, or take the topic out of replies.alone",
            )
