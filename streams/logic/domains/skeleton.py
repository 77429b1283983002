"""The files of a new domain, each with worked lines that its owner puts messages of his own in the place of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.logic.domains.skeleton_toml import domain_toml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.contract.domain import Domain

EXAMPLE = "EXAMPLE:"
"""With this a worked line begins, and ``tocsin domain check`` tells of each that is left."""

_HEADER = "topic\tsentiment\tintent\ttext"
_NEWS = (
    ("negative", "[Example Company](ORG:negative) under fire in [Exampleton](LOC:neutral): a headline about {title}"),
    ("positive", "[Example Company](ORG:positive) is praised by [Jo Example](PER:neutral) in a headline about {title}"),
    ("neutral", "[Example Company](ORG:neutral) publishes its calendar: a headline about {title}"),
)
_SOCIAL = (
    ("negative", "ugh, [@examplecompany](ORG:negative) again. a post about {title}"),
    ("positive", "well done [@examplecompany](ORG:positive), a post about {title}"),
    ("neutral", "does anybody know when [Example Day](MISC:neutral) is? a post about {title}"),
)
_CUSTOMER = (
    ("negative", "This is the second time I write, and nobody answers: {title}"),
    ("neutral", "Hello, a question as customers put it: {title}"),
)
_ANSWERS = """\
---
topics: {topic}
---

# Help

## EXAMPLE: the question, as a customer would put it?
intent: {intent}
also: another wording of it | and one more, since nothing helps more

The approved answer. What a reply may say of numbers, dates, links and promises is what stands here, and nothing else.

# EXAMPLE: a page

A heading that does not ask begins a page. It may be drawn from, but is never sent by itself.
"""


def skeleton(domain: Domain, shown: str) -> dict[str, str]:
    """The content of each file of a new domain, by its path within the folder.

    Args:
        domain: Its names: whatever else it says is not looked at.
        shown: Its folder, as commands in the comments name it.
    """
    files = {"domain.toml": domain_toml(domain, shown)}
    for kind, shapes in (("news", _NEWS), ("social", _SOCIAL)):
        files[f"seed/{kind}.tsv"] = _file(
            "\t".join((topic.name, sentiment, "-", f"{EXAMPLE} {shape.format(title=topic.title)}"))
            for topic in domain.topics
            for sentiment, shape in shapes
        )
    if domain.intents:
        topics = domain.topic_names
        files["seed/customer.tsv"] = _file(
            "\t".join(
                (topics[place % len(topics)], sentiment, intent.name, f"{EXAMPLE} {shape.format(title=intent.title)}")
            )
            for place, intent in enumerate(domain.intents)
            for sentiment, shape in _CUSTOMER
        )
        files["answers/help.md"] = _ANSWERS.format(topic=topics[0], intent=domain.intent_names[0])
    return files


def _file(lines: Iterator[str]) -> str:
    return "\n".join((_HEADER, *lines)) + "\n"
