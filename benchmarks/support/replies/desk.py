"""A desk that answers Bitext's customers as a worker would, without brokers: index, rules, check and decisions.

The model that is at hand reads the topics and intents of another domain. So Bitext's intents are read by a logistic
regression on its vectors, fitted on the training part alone, as the retraining method ``heads`` fits a head; sentiment
is the model's own.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from sklearn.linear_model import LogisticRegression

from benchmarks.support.replies.bitext import CATEGORIES, CATEGORY_OF
from models.answers.index import AnswerIndex
from models.generator.prompting import reply_prompt
from streams.contract.domain import load_domain
from streams.contract.records import Prediction
from streams.contract.replies import Document, Turn
from streams.contract.reply_rules import ReplyRules
from streams.logic.replies.check import check
from streams.logic.replies.conversation import Conversation
from streams.logic.replies.deciding import Draft, decide
from streams.logic.replies.policy import before, retrieved
from streams.logic.replies.restoring import veil
from streams.logic.replies.signs import Signs
from streams.logic.replies.verdicts import Decision, Rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.support.replies.bitext import Asked
    from models.answers.index import Found
    from models.generator.prompting import Prompt
    from models.runtime import Encoder
    from streams.contract.settings import Settings

# Of 1, 3, 10, 30, 100 and 300 it has the lowest log loss in cross-validation on the training part: 0.29.
_REGULARISATION = 300.0


class Case(NamedTuple):
    """A customer's message before the desk, with what was found for it."""

    asked: Asked
    turn: Turn
    text: str
    """Without personal data."""
    found: list[Found]
    evidence: list[str]
    """Texts that a reply may be drawn from: what was found with a score that counts."""


class Outcome(NamedTuple):
    """What is done about a message, and on which evidence."""

    decision: Decision
    evidence: tuple[str, ...]


class Desk:
    """Answers from the training part's pairs.

    Args:
        encoder: Embeds, and reads sentiment.
        held: The pairs that answers are drawn from.
        settings: Scores, evidence, and the rest, as a worker has them.
    """

    def __init__(self, encoder: Encoder, held: Sequence[Asked], settings: Settings) -> None:
        self.settings = settings
        words = load_domain(settings.domain).replies.words
        replies = ReplyRules(alone=CATEGORIES, asks_person=("contact_human_agent",), words=words)
        self.rules = Rules(
            replies=replies,
            has_intents=True,
            signs=Signs(replies),
            angry_score=settings.replies.angry_score,
            repeats=settings.replies.repeats,
        )
        self._encoder = encoder
        self.index = AnswerIndex(encoder.embed, encoder.embedder_sha256)
        self._now = datetime.now(UTC)
        self.index.put([self._document(pair) for pair in held])
        vectors = encoder.embed([pair.question for pair in held])
        self._intents = LogisticRegression(C=_REGULARISATION, max_iter=2000)
        self._intents.fit(vectors, [pair.intent for pair in held])

    def cases(self, asked: Sequence[Asked]) -> list[Case]:
        """Messages as they come before the desk."""
        questions = [veil(one.question).text for one in asked]
        found = self.index.search(questions, self.settings.replies.evidence)
        chances = self._intents.predict_proba(self._encoder.embed(questions))
        readings = self._encoder.read(questions)
        cases = []
        for one, text, near, row, reading in zip(asked, questions, found, chances, readings, strict=True):
            intents = {str(name): float(chance) for name, chance in zip(self._intents.classes_, row, strict=True)}
            intent = max(intents, key=intents.__getitem__)
            prediction = Prediction(
                id=one.id,
                message_id=one.id,
                source="bitext",
                kind="customer",
                time=self._now,
                topics=[CATEGORY_OF[intent]],
                topic_scores={CATEGORY_OF[intent]: intents[intent]},
                sentiment=reading.sentiment,
                sentiment_scores=reading.sentiment_scores,
                entities=[],
                model=self._encoder.model,
                intent=intent,
                intent_scores=intents,
            )
            turn = Turn(
                id=one.id, conversation=one.id, kind="asked", time=self._now, text=one.question, prediction=prediction
            )
            evidence = [each.text for each in near if each.score >= self.settings.replies.min_score]
            cases.append(Case(one, turn, text, near, evidence))
        return cases

    def prompt(self, case: Case) -> Prompt:
        """What the generator is asked."""
        reading = case.turn.prediction
        return reply_prompt(
            case.text,
            case.evidence,
            topic=reading.topics[0] if reading else None,
            sentiment=reading.sentiment if reading else None,
            tone=self.rules.replies.tone,
        )

    def decide(self, case: Case, draft: Draft | None) -> Outcome:
        """What is done about a message for which this was written; None where no generator writes."""
        conversation = Conversation()
        conversation.hear(case.turn)
        plan = before(case.turn, conversation, self.rules, self._now) or retrieved(
            case.found, case.turn, self.rules, self.settings.replies, self._now
        )
        if isinstance(plan, Decision):
            return Outcome(plan, ())
        unsupported = (
            [] if draft is None else check(draft.text, evidence=plan.texts, message=case.text, names=self.rules.names)
        )
        return Outcome(decide(plan, draft, unsupported), plan.texts)

    def is_answered(self, case: Case) -> bool:
        """Whether what was found first answers the message: it is of the intent that the data tells, and counts."""
        return bool(case.evidence) and case.found[0].intent == case.asked.intent

    def _document(self, pair: Asked) -> Document:
        return Document(
            id=pair.id,
            text=pair.answer,
            question=pair.question,
            intent=pair.intent,
            topics=[CATEGORY_OF[pair.intent]],
            time=self._now,
        )
