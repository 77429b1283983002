"""Settings of what is made of readings: replies, briefs, the generator, recommendations, and the desk's web page."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, SecretStr

from streams.contract.section import Secret, Section, Text, TopicName

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class GeneratorSettings(Section):
    """The language model that drafts replies and briefs."""

    name: str = Field("generator", pattern=r"^[a-z0-9-]+$", description="Name of its versions in the model registry.")
    alias: Text = Field("champion", description="Alias or version number that is served.")
    base: Text = Field(
        "package:smollm2-135m",
        description="Base weights: package:smollm2-135m, a folder, or a Hugging Face id of a Llama-like causal model.",
    )
    precision: Literal["int8", "int4", "fp32"] = Field("int8", description="Of the weights that are served.")
    threads: Annotated[int, Field(ge=0)] = Field(1, description="Threads of the runtime; 0 is one a physical core.")
    batch: PositiveInt = Field(4, description="Most texts that are written at the same time.")
    max_prompt_tokens: PositiveInt = Field(768, description="Longer prompts are cut in the evidence.")
    max_new_tokens: PositiveInt = Field(120, description="Longest text.")
    temperature: Annotated[float, Field(ge=0.0)] = Field(0.0, description="0 is greedy: the likeliest word each time.")
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] = Field(0.9, description="Share of the likeliest words drawn from.")
    repetition_penalty: Annotated[float, Field(ge=1.0)] = Field(
        1.0, description="So many times less likely is a word that stands in the text, the digits of a number too."
    )
    seed: Annotated[int, Field(ge=0)] = Field(13, description="Of what is drawn.")
    learn_cron: str = Field(
        "",
        description="When the schedule trains it, as five fields of cron, in UTC, if documents are new or changed; "
        "empty for never.",
    )
    min_new_documents: Annotated[int, Field(ge=0)] = Field(
        0, description="So many new or changed documents call for a run of it; 0 never."
    )


class RepliesSettings(Section):
    """The replies agent: what may be answered by itself, and what a person gets."""

    enabled: bool = Field(default=True, description="Answer customers' messages, or draft answers.")
    evidence: PositiveInt = Field(3, description="Documents that a reply may be drawn from.")
    # Of the seed's 640 customers, asked of the domain's own answers by the default model: from 0.35 the first answer
    # is right for 78%, which is worth a draft; from 0.6, where the intent is sure and the answer's own, for all 41.
    min_score: Share = Field(0.35, description="Retrieval score below which there is no evidence: a person answers.")
    send_score: Share = Field(0.6, description="Retrieval score from which a reply may be sent by itself.")
    send_intent: Share = Field(0.5, description="Probability of the intent from which a reply may be sent by itself.")
    send_gap: Share = Field(0.15, description="Least gap between the intent and the next one for it.")
    angry_score: Share = Field(
        0.9, description="Probability of negative sentiment that counts as anger, with its signs."
    )
    repeats: PositiveInt = Field(2, description="The same question asked so often again goes to a person.")
    keep_turns: PositiveInt = Field(6, description="Turns of a conversation that are remembered.")
    forget_hours: PositiveFloat = Field(72.0, description="A conversation silent for so long is forgotten.")
    max_conversations: PositiveInt = Field(
        50_000, description="Most conversations of one partition; those longest silent are forgotten first."
    )
    deadline_seconds: PositiveFloat = Field(
        8.0, description="A message that waited so long for a draft goes to a person, with the reason overload."
    )
    max_waiting: PositiveInt = Field(
        256, description="Messages that wait for drafts; what comes beyond goes to people."
    )
    webhook_url: Secret = Field(
        None, description="Where what is to be sent is posted to; none, nowhere. Such an address is a key: never shown."
    )
    webhook_secret: Secret = Field(None, description="Signs each post (HMAC-SHA256); never shown.")
    webhook_timeout_seconds: PositiveFloat = Field(5.0, description="How long one post may take; 20 at most.")
    webhook_attempts: PositiveInt = Field(6, description="How often a post that fails is tried.")


class ConnectorSettings(Section):
    """The process that posts replies to the webhook (replies.webhook_url): `tocsin replies connector`."""

    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        9467, description="Port of its /metrics, on metrics.host; 0 takes a free one."
    )


class BriefsSettings(Section):
    """The briefs agent: an alert's story."""

    enabled: bool = Field(default=True, description="Write a brief for each alert that begins to fire or is over.")
    min_messages: PositiveInt = Field(2, description="With fewer messages as evidence a template sentence is all.")


class RecommendSettings(Section):
    """The recommend agent: interests, candidates and ranking."""

    enabled: bool = Field(default=True, description="Follow what readers read, and recommend.")
    behaviors_topic: TopicName = Field("behaviors", description="Your topic of what readers do.")
    items_topic: TopicName = Field("items", description="Your topic of what can be recommended.")
    news_are_items: bool = Field(default=False, description="Messages of kind news can be recommended too.")
    limit: Annotated[int, Field(ge=1, le=100)] = Field(10, description="Items of one recommendation.")
    interests: Annotated[int, Field(ge=1, le=16)] = Field(4, description="Interest vectors kept of a reader.")
    half_life_hours: PositiveFloat = Field(168.0, description="After so long an interest counts for half.")
    item_ttl_hours: PositiveFloat = Field(336.0, description="An item that says no end is recommended for so long.")
    max_items: PositiveInt = Field(200_000, description="Live items of an index; the oldest go first.")
    max_users: PositiveInt = Field(200_000, description="Readers whose interests a worker keeps in memory.")
    recent_items: PositiveInt = Field(64, description="Items remembered of a reader, not to be shown again.")
    seen_items: Annotated[int, Field(ge=0, le=100_000)] = Field(
        1000, description="Items before these of which 4 bytes are kept of a reader, so that they do not come again."
    )
    candidates: PositiveInt = Field(200, description="Items that are ranked.")
    diversity: Share = Field(0.3, description="How much unlike items are preferred to like ones (MMR's 1 - lambda).")
    debounce_seconds: Annotated[float, Field(ge=0.0)] = Field(
        2.0, description="A reader gets at most one recommendation in so long, but for requests."
    )
    checkpoint_seconds: PositiveFloat = Field(5.0, description="Longest time between two checkpoints of interests.")
    checkpoint_events: PositiveInt = Field(2048, description="Reader events between two checkpoints.")
    learn_cron: str = Field(
        "30 3 * * *",
        description="When the schedule learns the ranker, as five fields of cron, in UTC, if there are new behaviors; "
        "empty for never.",
    )
    min_new_behaviors: Annotated[int, Field(ge=0)] = Field(
        20_000, description="It also learns it once so many behaviors are new; 0 for never."
    )


class DeskSettings(Section):
    """The desk's web page."""

    host: Text = Field("127.0.0.1", description="Address to listen on; loopback unless you say otherwise.")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(9470, description="Port; 0 takes a free one.")
    token: Secret = Field(
        None, description="Opens the page; made anew at each start where no token is set; other hosts need one."
    )
    tokens: dict[str, SecretStr] = Field(
        {}, description="Tokens of people, by the name that stands with what they do: each opens the page."
    )
    read_only: tuple[str, ...] = Field((), description="Names among desk.tokens that may look, and change nothing.")
    hosts: tuple[str, ...] = Field((), description="Further names of this host that browsers may use in addresses.")
    keep: PositiveInt = Field(500, description="Records of each kind that the page holds.")
