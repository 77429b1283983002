"""Promises: what a company owes once it has said it. Refund, free, guarantee, always, and their kin."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.logic.replies.claims.claim import Span

_GIVING = (
    r"(?:will|'ll|shall|can|may|is|are|be|been|being|was|were|has|have|'ve|get|gets|receive|receives|given|"
    r"give|gives|issue|issued|"
    r"issues|process|processed|offer|offers|due|owed|owe|make|made|send|sent|credit|credited|arrange|arranged|"
    r"approve|approved|we|i|us|"
    r"entitled|eligible|want|you)"
)


# "You do not pay a fee", "the fee does not apply": there is no fee, in words that need not stand in what says there is.
_COST = r"(?:fees?|charges?|costs?)"
_NO_COST = (
    rf"(?:\bnot|\bnever|n't) (?:(?:have|need|be|get|to|ever|even|normally|usually) ){{0,3}}"
    rf"(?:pay|owe|see|face|incur|bear|billed|(?:asked|liable|billed) for|subject to) (?:\w+ ){{0,2}}?{_COST}\b|"
    rf"\b{_COST} (?:\S+ ){{0,4}}?(?:(?:is|are|do|does|will|would)(?: not|n't)|never) (?:be )?"
    rf"(?:appl(?:y|ies)|due|payable|charged|taken|asked|owed|added|levied|collected|incurred)\b|"
    rf"\b{_COST} (?:\S+ ){{0,4}}?(?:(?:is|are) (?:nil|optional|voluntary)|falls? away|comes? off|goes? away)\b|"
    rf"\b(?:ignore|skip|hardly) (?:\w+ ){{0,2}}?{_COST}\b|\bexempt\w*|\bnot a (?:penny|cent)\b"
)


class Promise(NamedTuple):
    """A promise where it stands."""

    key: str
    span: Span
    asserted: bool


_PROMISES: dict[str, str] = {
    "refund": r"re-?fund\w*|re-?imburs\w*|money[- ]back|(?:money|cash|payment|amount|sum|it) back\b|pa(?:y|id|"
    r"ying) (?:\w+ ){0,2}back|"
    r"credit\w* (?:\w+ ){0,3}(?:to )?your (?:\w+ )?(?:account|card|balance)|return\w* (?:you |to you )?(?:your|"
    r"the) (?:\w+ )?(?:money|payment|funds|amount)|"
    r"chargeback|\b(?:one-?time|goodwill|full|account|partial) credit\b|make you whole|get back (?:your|the|all)",
    "free": r"\bfree of charge|\bfor free\b|\bno (?:\w+ )?(?:charges?|costs?|fees?)\b|\b(?:at|"
    r"with) no (?:\w+ )?(?:cost|charge|fee)\b|"
    r"\bwithout (?:any |a |extra )?(?:charges?|costs?|fees?)\b|\bcosts? (?:you )?nothing|\bcomplimentary|"
    r"\bon the house\b|\bon us\b|\bfee-free\b|"
    r"\b(?:not|never|n't) (?:be )?charged?\b(?! (?:back|up))|(?<!feel )(?<!-)\bfree\b(?! to\b| up\b|phone|"
    rf" time| number| call| movement)|{_NO_COST}",
    "guarantee": r"guarant\w+|warrant\w*|\bpromis\w+|(?<!rest )\bassur(?:e|es|ance)\b|\bpledg\w+|"
    r"\byou have (?:my|our) word\b|\bmark my words\b",
    "compensation": r"compensat\w*|goodwill|indemnif\w*|\bdamages\b|\bmake (?:it|this) up to you\b",
    "waive": r"\bwaiv\w*|\bwr(?:ite|ote|itten|iting)[- ]off|\bwip(?:e|ed|ing) (?:\w+ ){0,3}(?:debt|balance|"
    r"slate)|\bforgiv\w* (?:\w+ ){0,3}(?:debt|fee|loan|balance)",
    "discount": r"\bdiscount\w*|\brebate\w*|\bcash[- ]?back\b|\bvouchers?\b|\bcoupons?\b|\bgifts?\b|"
    r"\bbonus(?:es)?\b|\brewards?\b|\bprizes?\b|"
    r"\bhalf[- ]price\b|\bspecial offer|\bjackpot|\blottery|\bwinner\b|\byou(?:'ve| have) won\b",
    "always": r"\balways\b(?! (?:recommend|advise|happy|glad|here|welcome|a pleasure))|\bat all times\b|"
    r"\bin all cases\b|\bevery time\b|\bany ?time\b|\bwithout exception|\bin any case\b|\bno matter\b|"
    r"\bunconditional\w*",
    "never": r"\bnever\b|\bunder no circumstances\b|\bno risk\b|\brisk[- ]free\b",
    "instant": r"\bimmediate(?:ly)?\b|\binstant(?:ly)?\b|\b(?:straight|right) away\b|\bat once\b|\bright now\b|"
    r"\bwithout delay\b|\bon the spot\b|"
    r"\bas soon as possible\b|\basap\b|\bshortly\b|\bsoon\b|\bin no time\b|\bany (?:minute|moment|day) now\b|"
    r"\bpromptly\b|\bmomentarily\b|\bin a (?:moment|minute|second)\b",
    "entitled": r"\bentitle\w*|\beligible\b|\bqualif(?:y|ies|ied)\b|\bpre-?approved\b|\b(?:is|are|been|be|was|"
    r"'s|'re|now|fully) (?:\w+ly )?approved\b|"
    r"\bapproved for\b|\bowed?\b(?= you| \w+ (?:money|gbp)|\b)|\bright to (?:a|the|your|cancel|withdraw|refund)\b",
    "secure": r"\b(?:is|are|be|stays?|remains?|keeps?|it's|'re) (?:\w+ ){0,2}(?:safe|protected|secured?|"
    r"insured|covered)\b",
    "unlimited": r"\bunlimited\b|\bno limits?\b|\blifetime\b|\bfor life\b|\bforever\b|\bpermanent(?:ly)?\b|"
    r"\bfor good\b|\bin full\b|\ball (?:of )?your money\b|\bdefinitely\b(?!\W*\Z)|"
    r"\bcertainly (?:will|get|be)\b|\b100 ?%|\bwithout (?:any )?(?:question|conditions?|limits?)\b",
    "priority": r"(?<!our )(?<!top )(?<!utmost )(?<!highest )\bpriority\b|\bfast[- ]track\w*|\bexpedit\w*|"
    r"\btop of the (?:queue|list)\b|\bvip\b|\bexception(?:ally)? for you\b|\bmake an exception\b",
    # No promise, but as grave: a customer who is asked for a secret in a company's name.
    "secret": r"\b(?:tell|send|give|share|provide|reply with|message|e-?mail|text|read out|type|write)\b "
    r"(?:us |me |it )?(?:[\w-]+ ){0,4}?"
    r"(?:password|passcode|pin|cvv|cvc|security code|one-?time code|card number)s?\b",
}
_PATTERNS = {key: re.compile(pattern) for key, pattern in _PROMISES.items()}
# A refund is spoken of far oftener than it is promised.
_SPOKEN_OF = frozenset(("refund", "compensation", "discount", "waive"))
_VERB_FORM = re.compile(
    r"(?:refunded|refundable|reimbursed|waived|discounted|compensated|refunding|reimbursing|waiving)\Z"
)
_BEFORE = re.compile(
    rf"\b(?:{_GIVING})\b(?:'\w+)?(?: (?!not\b|ask\w*|request\w*|claim\w*|apply\w*|about\b|whether\b|if\b|"
    rf"check\w*|question\w*|find\b)[\w'%.,$\u00a3\u20ac-]+){{0,4}} \Z"
)
_AFTER = re.compile(
    r"\W{0,2}(?:of (?:\W?\d|the full|your)|is|are|has|have|will|was|within|in \d|you|to your|it|the (?:fee|"
    r"charge|full)|\d)\b"
)
_ASKING = re.compile(
    r"\b(?:ask\w*|request\w*|claim(?:ing)?|apply\w*|about|regarding|concerning|whether|if|status of|"
    r"question\w*|enquir\w*|policy|dispute)\b(?: [\w'-]+){0,3} \Z"
)
_TOPIC = re.compile(
    r" (?:request|policy|form|process|status|question|enquiry|application|claim|page|section|terms|rules|"
    r"option|code)s?\b"
)
_ADVICE = re.compile(
    r"\b(?:we|we'll|i|i'll|us|our|will|'ll|is|are|be|been|has|have|get|gets|receives?|arrives?|reach\w*|"
    r"takes? effect|it's)\b"
)


def promises(low: str) -> Iterator[Promise]:
    """Promises in a phrase, in lower case."""
    for key, pattern in _PATTERNS.items():
        for match in pattern.finditer(low):
            if key == "instant" and not _ADVICE.search(low):
                # "Block your card immediately" asks it of the customer.
                continue
            yield Promise(key, match.span(), _is_asserted(low, key, match))


def _is_asserted(low: str, key: str, match: re.Match[str]) -> bool:
    if key not in _SPOKEN_OF:
        return True
    if _TOPIC.match(low, match.end()) or _ASKING.search(low[: match.start()]):
        return False
    return bool(
        _VERB_FORM.search(match.group()) or _BEFORE.search(low[: match.start()]) or _AFTER.match(low, match.end())
    )
