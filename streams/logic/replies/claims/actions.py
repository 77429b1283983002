"""Actions: what a text says that the company has done, does or will do, and what it says has become of something."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from streams.logic.replies.claims.wording import listed, stem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.logic.replies.claims.claim import Span


class Action(NamedTuple):
    """A verb and whose it is."""

    form: str
    """done, is (something of the customer's now is), will, or passive (things generally are)."""
    verb: str
    """Its stem."""
    span: Span
    ours: bool
    weak: bool = False
    is_claim: bool = True
    """False for what only stands behind others' claims: "we ask the other bank"."""


_ADVERBS = (
    r"(?:(?:now|just|already|also|only|then|all|both|not|never|still|fully|since|today|therefore|hereby|gladly|"
    r"happily|\w+ly|even|always|indeed|"
    r"be able to|go ahead and|gone ahead and|gone on and|went ahead and|try to|aim to|need to|have to|"
    r"continue to|make sure to|better|best|please)\s+)*"
)
_OURS_NOUN = (
    r"(?:our|the|a|an|one of our|this|another|your)\s+(?:[\w-]+\s+){0,2}?(?:teams?|colleagues?|agents?|"
    r"advis[eo]rs?|specialists?|staff|"
    r"department|representatives?|managers?|bank|company|system|experts?|engineers?|office|support|branch|desk|"
    r"assistant|consultants?|"
    r"operators?|someone|members? of (?:our |the )?(?:team|staff))"
)
_OURS = rf"(?:\bi|\bwe|\bthey|\bhe|\bshe|\bsomeone|\bsomebody|\bcustomer (?:service|support|care)|\b{_OURS_NOUN})"
_PAST_IRREGULAR = (
    "sent|paid|made|gave|given|took|taken|wrote|written|got|did|done|went|found|left|kept|sold|told|brought|"
    "bought|chose|chosen|held|lost|"
    "spoke|spoken|withdrew|withdrawn|froze|frozen|began|begun|undone|put|set|cut|shut|reset|built|lent|caught|"
    "known|seen|shown|stolen|spent|upheld"
)
_PARTICIPLE = rf"(?:[a-z]{{2,}}ed|{_PAST_IRREGULAR}|re-?sent|unfrozen|overpaid|repaid|rewritten|forwarded)"
_PERFECT = re.compile(rf"(?:\b(?:have|has|had)|'ve|'s|'d)\s+{_ADVERBS}(?:been\s+)?{_ADVERBS}(?P<verb>{_PARTICIPLE})\b")
_YOU = re.compile(r"\b(?:you|who|which|if|who've)\s*(?:may|might|must|should|could)?\s*(?:have|'ve|had|'d)?\s*\Z")
_WAS = re.compile(rf"\b(?:was|were|got|gets)\s+{_ADVERBS}(?:being\s+)?(?P<verb>{_PARTICIPLE})\b")
_IS_NOW = re.compile(
    rf"(?:\b(?:your|it|this|that|everything|all|you|these|those|both)(?:\s+[\w'-]+){{0,5}}?\s*(?:'s|'re|\bis|"
    rf"\bare|\bam)|\bit's|\bthat's|\byou're)\s+"
    rf"{_ADVERBS}(?P<verb>{_PARTICIPLE}|being\s+{_PARTICIPLE})\b"
)
# "The card is blocked" may be a rule; "is now blocked" has happened to this one.
_BY_NOW = re.compile(rf"\b(?:is|are)\s+{_ADVERBS}(?:now|already|hereby)\s+{_ADVERBS}(?P<verb>{_PARTICIPLE})\b")
_AS_OF_NOW = re.compile(rf"\b(?:is|are)\s+{_ADVERBS}(?P<verb>{_PARTICIPLE})\s+(?:now|already|as of (?:now|today))\b")
_OUR_PAST = re.compile(rf"{_OURS}\s+{_ADVERBS}(?P<verb>[a-z]{{2,}}ed|{_PAST_IRREGULAR})\b")
_DOING = re.compile(
    rf"(?:{_OURS}\s*(?:'m|'re|'s|\s+am|\s+are|\s+is)|\b(?:is|are) being|\bi'm|"
    rf"\bwe're)\s+{_ADVERBS}(?P<verb>[a-z]{{3,}}ing)\b"
)
_BEING = re.compile(rf"\bbeing\s+{_ADVERBS}(?P<verb>{_PARTICIPLE})\b")
_WILL = re.compile(
    rf"(?:\bwill|'ll|\bshall|\bgoing\s+to|\bgonna|\babout\s+to|"
    rf"\bwon't)\s+{_ADVERBS}(?P<be>be\s+)?{_ADVERBS}(?P<verb>[a-z]+)\b"
)
_OUR_MODAL = re.compile(
    rf"{_OURS}\s*(?:(?:can|could|may|might|would|should|cannot|can't|could not|couldn't|"
    rf"'d)\s+){_ADVERBS}(?P<verb>[a-z]+)\b"
)
_OUR_PRESENT = re.compile(
    rf"{_OURS}\s+(?:do\s+|don't\s+|do not\s+|does not\s+|doesn't\s+)?{_ADVERBS}(?P<verb>[a-z]+)\b"
)
_THEIR_PRESENT = re.compile(rf"{_OURS_NOUN}\s+{_ADVERBS}(?P<verb>[a-z]+[^s\W]s)\b")
_LET = re.compile(rf"\b(?:let me|let us|allow me to|allow us to|permit me to)\s+{_ADVERBS}(?P<verb>[a-z]+)\b")
_OUR_TO = re.compile(
    rf"(?:{_OURS}|\bi'm|\bwe're)\b(?:(?!\byou\b|\byour\b)[\w' ]){{0,50}}?\b(?:happy|glad|pleased|delighted|"
    rf"able|ready|willing|authori[sz]ed|decided|agreed|agree|"
    rf"prepared|bound|obliged|promise|plan|intend|undertake|allowed|free|committed|want|determined|"
    rf"chosen)\s+to\s+{_ADVERBS}(?P<verb>[a-z]+)\b"
)
_PASSIVE = re.compile(rf"\b(?:is|are|be|been|being|gets?)\s+{_ADVERBS}(?P<verb>{_PARTICIPLE})\b")
_AND = re.compile(rf"(?:,|\band|\bthen|&)\s+(?:then\s+)?{_ADVERBS}(?P<verb>[a-z]+)\b")
_STATUS_WORDS = (
    r"(?P<status>on (?:its|the|their) way|in the (?:post|mail)|under ?way|in progress|complete|ready for you|"
    r"all set|sorted|"
    r"good to go|as good as done|done and dusted|done|granted|successful|confirmed|approved|accepted|activated|"
    r"unblocked|unlocked|"
    r"gone|lifted|removed|taken care of|dealt with|resolved|fixed|reversed|cancell?ed)\b"
)
_MORE = r"(?:(?:now|already|all|fully|successfully|officially|hereby) )*"
_STATUS = re.compile(
    rf"(?:\b(?:your|it|this|that|everything|all|you|the)(?:\s+[^\s,;.]+){{0,6}}?\s*(?:'s|'re|\bis|\bare)|"
    rf"\bit's|\bthat's|\byou're|"
    rf"\bconsider (?:it|this|that|your(?:\s+\w+){{1,3}}))\s+{_MORE}{_STATUS_WORDS}"
)
_ANSWERED = re.compile(
    rf"(?:^\W*(?:all )?(?=[\w ]+\W*\Z)|\b(?:request|offer|claim|refund|complaint|deal) ){_STATUS_WORDS}"
)
_PRESENT = ((_OUR_MODAL, True), (_OUR_PRESENT, False), (_THEIR_PRESENT, False), (_LET, False), (_OUR_TO, False))
_ENDS_IN_YOU = re.compile(r"\byou\s*\Z")
_ENDS_IN_OURS = re.compile(rf"{_OURS}\s*\Z")
_BE_VERB = re.compile(rf"{_PARTICIPLE}|[a-z]+ing")
# Verbs that neither do nor promise anything, in any tense.
_FEELING = frozenset(
    stem(verb)
    for verb in listed(
        "understand apologise apologize hope wish thank appreciate value want like love know see hear realise realize "
        "recognise recognize regret be feel think believe say mean have wonder care sympathise sympathize welcome "
        "remain stay fathom comprehend gather notice assume read acknowledge trust hate empathise empathize imagine "
        "need require can could may might would should will shall must do does did is are am was were has had being "
        "a the not also just really truly wanted hoped like're let're"
    )
) | {"i", "we", "they"}
# What we do in the very message, or would gladly do in the next one; done or promised of others it is an action.
_HARMLESS = _FEELING | frozenset(
    stem(verb)
    for verb in listed(
        "recommend suggest advise ask request look help assist guide explain support show walk strive aim try "
        "encourage invite tell find ensure"
    )
)
_NOT_TO_COME = frozenset(map(stem, ("ask", "request", "tell", "invite", "find")))
_CUSTOMERS = frozenset(
    stem(verb) for verb in listed("need have find see want require be notice like know ask prompt able asked prompted")
)
_STATES = frozenset(
    stem(verb)
    for verb in listed(
        "needed required called located based listed described shown displayed marked named supposed related "
        "designed intended interested committed dedicated pleased delighted advised recommended expected "
        "limited concerned worried frustrated disappointed confused involved used known detailed advanced "
        "experienced looking hoping wondering writing asking trying sorry having facing feeling being going "
        "experiencing seeing wanting struggling worrying tired annoyed excited honoured honored thrilled "
        "mentioned entitled thinking talking started referring missing left set put hundred need exceed speed proceed "
        "succeed feed red bed led fed indeed prefilled"
    )
) | {"need", "exceed", "proced", "fe", "indeed"}
_GIVING = frozenset(map(stem, ("provide", "give", "offer", "share", "supply")))
_ENABLING = frozenset(map(stem, ("allow", "enable", "let")))
_ADVICE = re.compile(
    r"(?: (?!refund|money|credit)[\w-]+){0,7} (?:information|guidance|details?|steps|assistance|support|"
    r"instructions|help|answers?|overview|advice|"
    r"explanation|directions)\b"
)
_RECEIVED = re.compile(r"\W+(?:\w+\W+){0,3}(?:message|question|e-?mail|enquiry|inquiry|query|note|feedback)\b")


_ONE = {
    stem(word): stem(words.split()[0])
    for words in ("arrive receive get reach come deliver land", "send post mail dispatch ship", "answer reply respond")
    for word in words.split()
}


def one_of(verb: str) -> str:
    """The stem that stands for a verb and those that say the same: what arrives is received."""
    return _ONE.get(verb, verb)


def actions(low: str) -> Iterator[Action]:
    """Actions in a phrase, in lower case."""
    for action in (*_done(low), *_to_come(low), *_passives(low)):
        yield action._replace(verb=one_of(action.verb))


def _passives(low: str) -> Iterator[Action]:
    for match in _PASSIVE.finditer(low):
        if stem(match["verb"]) not in _STATES | _HARMLESS:
            yield Action("passive", stem(match["verb"]), match.span("verb"), ours=True)


def _done(low: str) -> Iterator[Action]:
    for pattern in (_PERFECT, _WAS, _IS_NOW, _BY_NOW, _AS_OF_NOW, _OUR_PAST, _DOING, _BEING):
        for match in pattern.finditer(low):
            verb = stem(match["verb"].removeprefix("being").strip())
            if _claims_nothing(low, pattern, match, verb):
                continue
            form = "is" if pattern in (_IS_NOW, _BY_NOW, _AS_OF_NOW) else "done"
            yield Action(form, verb, match.span("verb"), ours=True)
            for also in _AND.finditer(low, match.end()):
                if re.fullmatch(_PARTICIPLE, also["verb"]) and stem(also["verb"]) not in _FEELING | _STATES:
                    yield Action("done", stem(also["verb"]), also.span("verb"), ours=True)
    for match in (*_STATUS.finditer(low), *_ANSWERED.finditer(low)):
        yield Action(
            "done",
            match["status"] if " " in match["status"] else stem(match["status"]),
            match.span("status"),
            ours=True,
        )


def _claims_nothing(low: str, pattern: re.Pattern[str], match: re.Match[str], verb: str) -> bool:
    if verb in _FEELING | _STATES or (
        pattern in (_DOING, _IS_NOW, _BY_NOW, _AS_OF_NOW, _BEING, _WAS) and verb in _HARMLESS
    ):
        return not low.startswith(" into", match.end())
    if pattern is _PERFECT and _YOU.search(low[: match.start()]) and "been" not in match.group():
        return True
    if verb == stem("received") or verb == stem("noted"):
        return _RECEIVED.match(low, match.end()) is not None or "message" in low[: match.start()]
    return False


def _to_come(low: str) -> Iterator[Action]:
    for match in _WILL.finditer(low):
        verb = stem(match["verb"])
        you = _ENDS_IN_YOU.search(low[: match.start()]) is not None
        nothing = _CUSTOMERS if you else (_HARMLESS | _ENABLING) - _NOT_TO_COME
        if verb in nothing or _gives_words(low, match.end(), verb):
            continue
        if match["be"] and (verb in _HARMLESS | _STATES | _CUSTOMERS or not _BE_VERB.fullmatch(match["verb"])):
            continue
        ours = match["be"] is not None or _ENDS_IN_OURS.search(low[: match.start()]) is not None
        yield Action("will", verb, match.span("verb"), ours=ours)
    for pattern, weak in _PRESENT:
        for match in pattern.finditer(low):
            verb = stem(match["verb"])
            if verb in _FEELING or _is_no_verb(match["verb"]) or _gives_words(low, match.end(), verb):
                continue
            yield Action("will", verb, match.span("verb"), ours=True, weak=weak, is_claim=verb not in _HARMLESS)


def _gives_words(low: str, end: int, verb: str) -> bool:
    """Whether what is given is advice, and no more."""
    return verb in _GIVING and _ADVICE.match(low, end) is not None


def _is_no_verb(word: str) -> bool:
    return word in _PARTICLES or word.endswith(("ed", "ly", "ing")) or re.fullmatch(_PAST_IRREGULAR, word) is not None


_PARTICLES = frozenset(
    listed(
        "of in on at to for with from by and or but as is are was were be been that this who which whose you "
        "your our it its all both always never only also then so if when can will would could should may "
        "might must shall do does did have has had not no cannot team teams staff colleagues hours number page "
        "app phone line site website chat "
        "members member"
    )
)
