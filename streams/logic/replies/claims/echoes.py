"""Quoting constructions: where a text gives back what the customer said, as theirs.

"Your order 1234", "the £20 that you mention", "you ask about a refund". What stands there need not stand in the
evidence, but it must stand in the message, and nothing is promised by it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from streams.logic.replies.claims.wording import listed, phrases

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.logic.replies.claims.claim import Claim, Kind, Span

# Never given back, wherever they stand: a link of the customer's may be a trap, and contacts are restored, not copied.
_NEVER: frozenset[Kind] = frozenset(("link", "email", "phone"))
_WORDS: frozenset[Kind] = frozenset(("promise", "action", "denial", "duty"))

_OWN = re.compile(
    r"\byour (?:\w+ ){0,2}?(?:order|case|reference|ticket|card|account|booking|invoice|bill|transaction|"
    r"payment|transfer|purchase|charge|"
    r"policy|application|complaint|query|phone|e-?mail(?: address)?|number|iban|statement|withdrawal|deposit|"
    r"direct debit|debit|subscription|contract|loan|mortgage)s?\b"
)
_OF_RULES: frozenset[Kind] = frozenset(("duration", "percentage", "time"))
_BEFELL = re.compile(r"\b(?:have|has|had|was|were|been|did|took|\w+ed)\b")
_NUMBERS: frozenset[Kind] = frozenset(("number", "reference"))
_OWN_FIGURES: frozenset[Kind] = _NUMBERS | {"amount", "date"}
# A figure that stands between: it is a claim by itself, and looked at as one.
_FIGURE = (
    r"(?:[^\sa-z\d]{0,3}\d[\w.,:/-]*(?: (?:(?:january|february|march|april|may|june|july|august|september|october|"
    r"november|december|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\b(?: \d{4})?|pounds?|euros?|dollars?|pence))?)"
)
_NUMBERED_BY = r"number|no\.?|nr\.?|id|ref(?:erence)?\.?|code|ending(?: in| with)?|with (?:the )?(?:number|reference)"
_TO_A_NUMBER = rf" [#(]?(?:(?:{_NUMBERED_BY}) )*[#(]?"
_TO_A_SIZE = r" (?:of|for|dated|made on|placed on|sent on|ordered on) (?:the )?"
_SIZED = re.compile(rf"(?:{_TO_A_NUMBER}{_FIGURE}\)?|{_TO_A_SIZE}{_FIGURE})*{_TO_A_SIZE}")
_NUMBERED = re.compile(rf"(?:{_TO_A_SIZE}{_FIGURE})*{_TO_A_NUMBER}")
_PROMISING = re.compile(
    r"\b(?:we|i|us|our|will|'ll|shall|refund\w*|credit\w*|pay|paying|give|giving|send|return\w*|get|receive|"
    r"owe[sd]?|due|entitled|guarantee\w*|approv\w*|"
    r"confirm\w*|promise\w*|compensat\w*|free)\b"
)
_OURS = re.compile(
    r"\b(?:we|i|us|our|will|'ll|shall|owe[sd]?|due|entitled|guarantee\w*|approv\w*|confirm\w*|promise\w*)\b"
)
_SAYING = (
    r"(?:mention(?:ed)?|describe[d]?|report(?:ed)?|refer(?:red)? to|ask(?:ed|ing)? (?:us )?(?:about|for|"
    r"whether|if|when|how|why)|ask(?:ed)?|wrote|write|"
    r"told us|tell us|quote[d]?|state[d]?|said|say|enquired? about|wonder(?:ed)? (?:about|if|whether)|"
    r"want(?:ed)? to know(?: about| if| whether)?)"
)
_DOING = r"(?:were charged|paid|made|see|saw|noticed|sent|spent|transferred|withdrew|ordered|bought)"
_YOU = r"\byou(?:'ve|'re| have| are| were| had)?(?: just| also| already)? "
_YOU_SAY = re.compile(rf"{_YOU}{_SAYING}\b")
_THAT_YOU = re.compile(rf"(?: that| which)? {_YOU.removeprefix(chr(92) + 'b')}(?:{_SAYING}|{_DOING})\b")
_AS_YOU = re.compile(
    r"\b(?:as|like|what|since|because|just as|exactly as|exactly what|do as|agree\w*|right,?|correct,?|"
    r"true,?)(?: that)? \Z"
)
_ABOUT = re.compile(
    r"\b(?:your|the) (?:question|message|request|enquiry|inquiry|query|complaint|concern|e-?mail|note|report|"
    r"interest|asking) "
    r"(?:about|regarding|concerning|on|of|for|in|to)\b"
)
_SORRY = re.compile(
    r"\b(?:sorry (?:to (?:hear|read|learn|see)|that|about|for)|(?:i|we) (?:can )?(?:fully |"
    r"completely )?(?:understand|see|realise|realize|appreciate)|"
    r"it sounds (?:like|as if)|frustrat\w+|inconvenien\w+|thanks? (?:you )?for (?:telling|letting|reporting|"
    r"asking|writing|contacting|your))\b"
)
_MISFORTUNES = frozenset(
    listed(
        "declin stol steal lost lose charg reject delai lock hack refus block debit scam fail swallow damag "
        "mistak overcharg duplicat frez"
    )
)
_NOUN_PHRASE = 6
_THEIR_WISH = re.compile(
    r"\byou(?:'re| are) (?:having|facing|experiencing|looking|trying|unable|interested|hoping|wondering|worried|"
    r"concerned|missing|waiting|considering|planning)\b"
    r"|\byou(?:'d| would) like\b|\byou (?:want|wish)\b|\b(?:help|assist|guide|support) you (?:with|in|through|to)\b"
)


def is_about_them(low: str) -> bool:
    """Whether a sentence speaks of what the customer said, wants or suffers, or asks: it tells nobody what to do.

    Args:
        low: The sentence in lower case.
    """
    return low.rstrip("\"') ").endswith("?") or any(
        pattern.search(low) is not None for pattern in (_SORRY, _YOU_SAY, _ABOUT, _THEIR_WISH)
    )


def is_echo(claim: Claim, low: str, message_stems: frozenset[str]) -> bool:
    """Whether a claim that the customer made is given back as theirs.

    Args:
        claim: It must stand in the message; that is for the caller to see.
        low: Its sentence in lower case.
        message_stems: Stems of the customer's words.
    """
    if claim.kind in _NEVER:
        return False
    spans = [*_sayings(low), *_sorry(claim, low, message_stems)]
    if claim.kind not in _WORDS:
        spans += _own_things(claim, low)
        spans += _that_you(low, claim)
    return any(start <= claim.start and claim.end <= end for start, end in spans)


def _own_things(claim: Claim, low: str) -> Iterator[Span]:
    """The number of "your order", or its sum and its day, with nothing between but what ties the two together.

    A verb there would make a rule of it: "your transfer takes 5 days". So would a length of time, a share or a sum per
    day in any place: these are what a company sets, and never what makes out a customer's own thing.
    """
    if claim.kind not in _OWN_FIGURES or _is_a_rules(claim):
        return
    for match in _OWN.finditer(low):
        between = low[match.end() : claim.start]
        if match.start() <= claim.start and claim.end <= match.end():
            yield match.span()
        elif match.end() <= claim.start and (_NUMBERED if claim.kind in _NUMBERS else _SIZED).fullmatch(between):
            yield match.start(), claim.end


def _is_a_rules(claim: Claim) -> bool:
    """Whether a figure is of the kind that rules are made of: how long, what share, what hour, how much a day."""
    return claim.kind in _OF_RULES or (claim.kind == "amount" and claim.key[2:] != ("",))


def _sayings(low: str) -> Iterator[Span]:
    """After "you say", "your question about": to the end of the phrase, unless something of ours comes in."""
    for pattern in (_YOU_SAY, _ABOUT):
        for match in pattern.finditer(low):
            if _AS_YOU.search(low[: match.start()]):
                continue
            end = next(end for start, end in [*phrases(low), (0, len(low))] if start <= match.start() < end)
            if not _OURS.search(low, match.end(), end):
                yield match.end(), end


def _that_you(low: str, claim: Claim) -> Iterator[Span]:
    """Before "that you mention": the few words that it belongs to."""
    match = _THAT_YOU.match(low, claim.end)
    if match is None:
        match = re.compile(rf"(?: [\w'-]+){{0,{_NOUN_PHRASE}}}?{_THAT_YOU.pattern}").match(low, claim.end)
    if match is None:
        return
    start = next(start for start, end in [*phrases(low), (0, len(low))] if start <= claim.start < end)
    if not _PROMISING.search(
        low, start, match.end() if match.end() < claim.end else claim.start
    ) and not _PROMISING.search(low[claim.end : match.start()]):
        yield claim.start, claim.end


def _sorry(claim: Claim, low: str, message_stems: frozenset[str]) -> Iterator[Span]:
    """After "I am sorry that": what befell the customer, never what the customer would have."""
    for match in _SORRY.finditer(low):
        end = next(end for start, end in [*phrases(low), (0, len(low))] if start <= match.start() < end)
        if claim.kind == "promise" or _OURS.search(low, match.end(), end):
            continue
        if _is_a_rules(claim) and not _BEFELL.search(low, match.end(), end):
            continue
        if claim.kind != "action" or (claim.key[1] in _MISFORTUNES and claim.key[1] in message_stems):
            yield match.end(), end
