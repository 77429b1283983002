"""The ``domain.toml`` of a new domain: every key that there is, each with a comment that says what it does."""

from __future__ import annotations

import json
from string import Template
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.contract.domain import Domain, Label

_TEMPLATE = Template("""\
# A domain is data. After a change: `tocsin domain check $folder`, then `tocsin models bootstrap`.

# Lower-case letters, digits and _; it is shown with every model that is made of this domain.
name = $name
# For people.
title = $title
# Of the examples, as ISO 639 code. The model's base must read it: docs/base-model.md.
language = $language

# "single": exactly one topic a message. "multi": any number of them; in the examples they are parted by commas.
topic_mode = "single"

# What messages are about: two at least, each with a name for machines and a title for people. The order is that of the
# model's outputs: append, never reorder between versions.
$topics

# What customers want; only messages of the kind "customer" have an intent. Without customers: intents = [].
$intents

[entities]
# Types of what is named in a text: PER (people), ORG (organisations), LOC (places), MISC (products, events, all else).
types = ["PER", "ORG", "LOC", "MISC"]
# Dropped from the end of an organisation's name when it is counted, so that "Acme plc" is "Acme".
legal_suffixes = ["inc", "corp", "co", "company", "ltd", "limited", "plc", "llc", "ag", "sa", "gmbh", "group"]

# "The name that is counted" = ["each other way of writing it", "$$TICKER", "@handle", "#hashtag"].
# Case, marks (@ # $$), a final 's and legal endings make no difference and need no line.
[entities.aliases]
"Example Company" = ["ExampleCo", "@examplecompany"]

# How customers are answered; docs/replies.md tells more.
[replies]
# Topics on which a reply may be sent by itself, where all else is in order. Empty: each reply is a draft for a person.
alone = []
# Topics and intents that people answer from the beginning.
person = []
# Intents by which a customer asks for a person.
asks_person = $asks_person
# For the generator, should you run one (docs/generation.md): how a reply is to sound,
tone = "friendly, plain and brief"
# who writes; this name may stand in any reply,
company = "Example Company"
# and what stands below each.
signature = ""
# Languages that are answered in; a message in another one goes to a person.
languages = [$language]

# When replies may go out by themselves. Without this table: at any time.
# [replies.hours]
# zone = "Europe/London"            # of the IANA database
# mon = ["08:00-20:00"]             # a day that is not named is closed
# tue = ["08:00-20:00"]
# wed = ["08:00-20:00"]
# thu = ["08:00-20:00"]
# fri = ["08:00-20:00"]
# sat = ["09:00-12:30", "13:30-17:00"]
# sun = []
# closed = [2026-12-25]

# Words by which a message is known for what no machine should answer. Lower case; a final * stands for any ending. Be
# wide: a person who reads one message too many costs less than the other mistake. domains/finance has long lists.
[replies.words.$bare_language]
# The customer is angry (together with a negative sentiment).
anger = ["furious", "disgust*", "outrag*", "ridiculous", "unacceptable", "fed up"]
# Lawyers, courts, authorities.
legal = ["lawyer*", "solicitor*", "sue", "court", "ombudsman", "regulator"]
# Somebody may be in danger, or a crime is under way.
safety = ["suicid*", "hurt myself", "kill*", "threaten*", "bomb*", "scam*", "blackmail*"]
# Somebody wants a person.
person = ["speak to a person", "talk to a human", "real person", "not a bot", "call me back"]
# Greetings and short words of assent: a message of nothing else, and of thanks, asks nothing.
courtesy = ["hello", "hi", "good morning", "ok", "okay", "got it"]
# Thanks, farewells and good wishes, in messages of any length.
thanks = ["thanks", "thank you", "bye", "goodbye", "have a nice day"]
# Praise, and complaint: a message of that and no question asks nothing.
praise = ["great", "brilliant", "well done", "lovely", "perfect"]
complaint = ["bad", "awful", "disappoint*", "poor", "terrible"]
# What a question, a wish or a report of trouble has. Without it only the shortest courtesies are told from questions.
asking = ["how", "what", "when", "where", "why", "which", "who", "can", "could", "please", "want", "need", "not"]
# What machines write.
automatic = ["out of office", "automatic reply", "do not reply to this", "delivery has failed"]
""")


def domain_toml(domain: Domain, shown: str) -> str:
    """The file of a domain that has nothing yet but names.

    Args:
        domain: Its name, title, language, topics and intents, and who asks for a person.
        shown: Its folder, as commands in the comments name it.
    """
    return _TEMPLATE.substitute(
        folder=shown,
        name=_text(domain.name),
        title=_text(domain.title),
        language=_text(domain.language),
        bare_language=domain.language,
        topics=_labels("topics", domain.topics),
        intents=_labels("intents", domain.intents) if domain.intents else "# intents = []",
        asks_person=_text(list(domain.replies.asks_person)),
    )


def _labels(table: str, labels: Sequence[Label]) -> str:
    return "\n".join(f"[[{table}]]\nname = {_text(label.name)}\ntitle = {_text(label.title)}" for label in labels)


def _text(value: object) -> str:
    """A text, or a list of them, as TOML has it: JSON's form is one of its own."""
    return json.dumps(value, ensure_ascii=False)
