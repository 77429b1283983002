"""An example of each record, for the published schemas; a test decodes every one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from streams.contract.alerts import Alert, Evidence, Matcher, Silence, TellingMessage, Trend, Verdict, Watch
from streams.contract.labels import Label, LabelledEntity, LabelRequest, SuggestedEntity
from streams.contract.model_records import ModelEvent, ModelPointer, RetrainRequest
from streams.contract.recommendations import (
    Behavior,
    InterestState,
    Item,
    ItemVector,
    ReaderEvent,
    Recommendation,
    RecommendationRequest,
    RecommendedItem,
)
from streams.contract.records import DeadLetter, Entity, Message, Prediction
from streams.contract.replies import Brief, ConversationState, Document, Reply, Turn
from streams.contract.signals import Signal, Signals, SurgeState

if TYPE_CHECKING:
    from msgspec import Struct

_TIME = datetime(2026, 3, 2, 8, 0, 31, tzinfo=UTC)

EXAMPLES: dict[type[Struct], list[Any]] = {
    Message: [
        {"text": "Harlow Bank clients move to Sample Trust"},
        {"id": 17, "text": "My card is lost", "time": 1772438431, "user": "u-81", "conversation": "c-7001"},
    ],
    Prediction: [
        Prediction(
            id="3f9c12ab77d04e2b8f0a6d5c4b3a2918",
            message_id="news-0001",
            source="Example Wire",
            kind="news",
            time=_TIME,
            topics=["markets"],
            topic_scores={"markets": 0.91, "deals": 0.09},
            sentiment="negative",
            sentiment_scores={"negative": 0.84, "neutral": 0.12, "positive": 0.04},
            entities=[
                Entity(
                    text="Harlow Bank",
                    type="ORG",
                    start=0,
                    end=11,
                    score=0.98,
                    sentiment="negative",
                    sentiment_scores={"negative": 0.9, "neutral": 0.07, "positive": 0.03},
                )
            ],
            model="encoder:1",
        )
    ],
    DeadLetter: [
        DeadLetter(
            id="a81c12ab77d04e2b8f0a6d5c4b3a2918",
            topic="news",
            partition=2,
            offset=1041,
            stage="decode",
            reason="malformed",
            error="news[2]@1041: JSON is malformed: invalid character (byte 1)",
            attempts=1,
            time=_TIME,
            value=b"{text: unquoted}",
            headers=[("trace", b"7f")],
            timestamp=1772438310000,
        )
    ],
    Signals: [
        Signals(
            signals=[
                Signal(
                    id="5a0e12ab77d04e2b8f0a6d5c4b3a2918",
                    subject="entity/harlow bank",
                    message_id="news-0001",
                    time=_TIME,
                    sentiment="negative",
                    score=0.9,
                    source="Example Wire",
                    kind="news",
                    topic="news",
                    partition=2,
                    offset=1041,
                    watermark=1772438311.0,
                    model="encoder:1",
                    fingerprint="b1946ac92492d234",
                    name="Harlow Bank",
                    text="Harlow Bank clients move to Sample Trust",
                    entities=["sample trust"],
                )
            ]
        )
    ],
    SurgeState: [SurgeState(key="entity/harlow bank", form=1, state=b"\x92\x00\x80")],
    Trend: [
        Trend(
            id="77d412ab77d04e2b8f0a6d5c4b3a2918",
            subject="entity/harlow bank",
            start=_TIME.replace(minute=0, second=0),
            end=_TIME.replace(minute=5, second=0),
            volume=24,
            negative=18,
            neutral=4,
            positive=2,
            expected_volume=6.3,
            expected_negative=1.4,
            change=2.0,
        )
    ],
    Alert: [
        Alert(
            id="c0de12ab77d04e2b8f0a6d5c4b3a2918",
            fingerprint="a1d5c6f7089b3e42",
            status="firing",
            level="orange",
            labels={
                "alertname": "NegativeSurge",
                "domain": "finance",
                "subject": "entity/harlow bank",
                "subject_kind": "entity",
                "entity": "harlow bank",
                "severity": "orange",
            },
            annotations={"summary": "harlow bank: 18 negative of 24 messages in 5 minutes, where 1.4 are usual"},
            startsAt=_TIME.replace(minute=0, second=0),
            time=_TIME.replace(minute=5, second=0),
            evidence=Evidence(
                window_start=_TIME.replace(minute=0, second=0),
                window_end=_TIME.replace(minute=5, second=0),
                observed=18,
                expected=1.4,
                volume=24,
                share=0.75,
                expected_share=0.22,
                p_value=3e-12,
                threshold=1e-5,
                sources={"Example Wire": 0.25, "social": 0.75},
                entities={"sample trust": 0.3},
                messages=[
                    TellingMessage(
                        id="news-0001",
                        time=_TIME,
                        source="Example Wire",
                        text="Harlow Bank clients move to Sample Trust",
                        sentiment="negative",
                        score=0.9,
                    )
                ],
                duplicates=3,
                model="encoder:1",
            ),
        )
    ],
    Silence: [
        Silence(
            id="0f3c1f7e",
            matchers=[Matcher(name="subject", value="entity/harlow bank")],
            startsAt=_TIME,
            endsAt=_TIME.replace(hour=10),
            createdBy="dana",
            comment="planned maintenance",
        )
    ],
    Watch: [Watch(subject="entity/harlow bank", added=_TIME, by="dana", note="results on Thursday")],
    Verdict: [
        Verdict(
            fingerprint="a1d5c6f7089b3e42",
            subject="entity/harlow bank",
            startsAt=_TIME.replace(minute=0, second=0),
            verdict="false_alarm",
            time=_TIME.replace(hour=9),
            by="dana",
            comment="a football club of that name",
        )
    ],
    Label: [
        Label(
            message_id="news-0001",
            labeller="dana",
            time=_TIME.replace(hour=9),
            text="Harlow Bank clients move to Sample Trust",
            kind="news",
            source="Example Wire",
            message_time=_TIME,
            topics=["markets"],
            sentiment="negative",
            entities=[
                LabelledEntity(start=0, end=11, type="ORG", sentiment="negative"),
                LabelledEntity(start=28, end=40, type="ORG", sentiment="positive"),
            ],
            reason="uncertain",
            model="encoder:1",
        )
    ],
    LabelRequest: [
        LabelRequest(
            id="9be412ab77d04e2b8f0a6d5c4b3a2918",
            message_id="news-0001",
            text="Harlow Bank clients move to Sample Trust",
            kind="news",
            source="Example Wire",
            message_time=_TIME,
            time=_TIME,
            reason="uncertain",
            score=0.97,
            model="encoder:1",
            topics=["markets"],
            sentiment="neutral",
            sentiment_score=0.41,
            entities=[SuggestedEntity(start=0, end=11, type="ORG", sentiment="neutral")],
        )
    ],
    RetrainRequest: [RetrainRequest(id="c81e728d", model="encoder", time=_TIME, by="dana", reason="a new slang")],
    ModelPointer: [
        ModelPointer(
            model="encoder", alias="champion", version=2, epoch=7, time=_TIME, by="gate", reason="better on recent data"
        )
    ],
    ModelEvent: [
        ModelEvent(
            id="eccbc87e4b5ce2fe28308fd9f2a7baf3",
            model="encoder",
            kind="promoted",
            time=_TIME,
            by="gate",
            version=2,
            previous=1,
            epoch=7,
            reasons=["sentiment: 0.031 better on the recent part (0.012 to 0.052, 95 percent)"],
            metrics={"sentiment": {"macro_f1": 0.79}},
            lineage={"labels": {"0": 412}, "data": "sha256:1f3b", "parent": 1},
        )
    ],
    Document: [
        Document(
            id="faq-card-lost",
            question="I have lost my card, what do I do?",
            text="Freeze the card in the app under Cards, then order a new one. It arrives within 5 working days.",
            intent="card_lost",
            topics=["payments"],
            time=_TIME,
        ),
        Document(id="page-fees", title="Fees", text="A transfer within the country is free of charge.", time=_TIME),
    ],
    Turn: [
        Turn(
            id="41d612ab77d04e2b8f0a6d5c4b3a2918",
            conversation="c-7001",
            kind="asked",
            time=_TIME,
            message_id="17",
            text="My card is lost",
            user="u-81",
            source="mail",
        ),
        Turn(
            id="41d612ab77d04e2b8f0a6d5c4b3a2919", conversation="c-7001", kind="taken_over", time=_TIME, by="m.okafor"
        ),
    ],
    ConversationState: [ConversationState(conversation="c-7001", form=1, state=b"\x92\x00\x80")],
    Reply: [
        Reply(
            id="9ad412ab77d04e2b8f0a6d5c4b3a2918",
            conversation="c-7001",
            message_id="17",
            action="send",
            text="Please freeze the card in the app under Cards, then order a new one.",
            reason="answered",
            detail="faq-card-lost answers it (0.87), and every fact stands in it.",
            confidence=0.87,
            evidence=["faq-card-lost"],
            time=_TIME,
            question="My card is lost",
            origin="generated",
            model="encoder:1",
            generator="generator:1",
        )
    ],
    Brief: [
        Brief(
            id="b21e12ab77d04e2b8f0a6d5c4b3a2918",
            fingerprint="a1d5c6f7089b3e42",
            alert_id="c0de12ab77d04e2b8f0a6d5c4b3a2918",
            subject="entity/harlow bank",
            status="firing",
            text="Negative talk of Harlow Bank has surged since 08:00 UTC: 18 of 24 messages, where 1.4 are usual.",
            origin="template",
            evidence=["news-0001"],
            time=_TIME,
        )
    ],
    Item: [
        Item(id="article-9", title="Rates on hold", text="The central bank leaves rates where they are.", time=_TIME)
    ],
    ItemVector: [
        ItemVector(
            item=Item(id="article-9", text="The central bank leaves rates where they are.", time=_TIME),
            embedder="0f" * 32,
            vector=b"\x00\x00\x80\x3f",
        )
    ],
    Behavior: [Behavior(user="u-81", item="article-9", action="click", time=_TIME)],
    RecommendationRequest: [RecommendationRequest(id="r-1", user="u-81", time=_TIME)],
    ReaderEvent: [
        ReaderEvent(
            id="77aa12ab77d04e2b8f0a6d5c4b3a2918",
            user="u-81",
            topic="behaviors",
            partition=0,
            offset=7,
            behavior=Behavior(user="u-81", item="article-9", action="click", time=_TIME),
        )
    ],
    InterestState: [InterestState(user="u-81", form=1, state=b"\x92\x00\x80")],
    Recommendation: [
        Recommendation(
            id="77aa12ab77d04e2b8f0a6d5c4b3a2918",
            user="u-81",
            cause="behavior",
            items=[
                RecommendedItem(
                    item="article-12",
                    score=1.7,
                    reason="because_you_read",
                    why="because you read “Rates on hold”",
                    title="What a pause means for mortgages",
                    because="article-9",
                )
            ],
            cold=False,
            time=_TIME,
            model="encoder:1",
            ranker="default",
        )
    ],
}
