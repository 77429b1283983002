"""What the policy speaks in: a domain's rules, what was found, what may be done with it, and what is to be done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from streams.logic.replies.signs import Signs

if TYPE_CHECKING:
    from streams.contract.domain import Domain
    from streams.contract.replies import ReplyAction, ReplyOrigin, ReplyReason
    from streams.contract.reply_rules import ReplyRules
    from streams.contract.service_settings import RepliesSettings


class Evidence(Protocol):
    """What the answer index found; its order is best first."""

    @property
    def text(self) -> str:
        """The answer, or a page's passage."""

    @property
    def question(self) -> str | None:
        """None for a page's passage."""

    @property
    def score(self) -> float:
        """0 to 1."""

    @property
    def intent(self) -> str | None:
        """Intent that it answers."""

    @property
    def topics(self) -> tuple[str, ...]:
        """Topics that it belongs to."""

    @property
    def document(self) -> str:
        """Id of its document."""

    @property
    def approved(self) -> bool:
        """Whether it may go out by itself."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The domain's rules, with what the settings say of them."""

    replies: ReplyRules
    has_intents: bool
    signs: Signs
    angry_score: float
    repeats: int

    @classmethod
    def of(cls, domain: Domain, settings: RepliesSettings) -> Rules:
        """Rules of a domain."""
        return cls(
            replies=domain.replies,
            has_intents=bool(domain.intents),
            signs=Signs(domain.replies),
            angry_score=settings.angry_score,
            repeats=settings.repeats,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names that any reply may use: the company's own."""
        return tuple(filter(None, (self.replies.company, self.replies.signature)))


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done."""

    action: ReplyAction
    reason: ReplyReason
    detail: str
    text: str = ""
    confidence: float = 0.0
    evidence: tuple[str, ...] = ()
    """Ids of documents, best first, each once."""
    origin: ReplyOrigin = "none"
    unsupported: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What may be done at the most with what was found."""

    action: ReplyAction
    reason: ReplyReason
    """``answered`` where it may be sent."""
    detail: str
    confidence: float
    evidence: tuple[Evidence, ...]
    """What a text may be drawn from; empty for a handoff."""
    signature: str = ""

    @property
    def texts(self) -> tuple[str, ...]:
        """Evidence for the generator and for the check. Questions are left out: what is asked is not what is so."""
        return tuple(found.text for found in self.evidence)
