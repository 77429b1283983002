"""Settings of the model's life: what is asked of labellers, how it is retrained, when it swaps, what drift is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from streams.contract.section import Section

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class LabelsSettings(Section):
    """What the stream asks people to label."""

    requests_per_hour: Annotated[int, Field(ge=0)] = Field(
        60, description="Messages that a worker asks labels for in an hour; 0 asks for none."
    )
    random_share: Share = Field(
        0.25, description="Share of them drawn by lot: the only labels that are like the stream itself."
    )


class RetrainSettings(Section):
    """Fine-tuning: when it runs, how it trains, and what a candidate must show."""

    data_dir: Path = Field(
        Path(".tocsin/retrain"), description="Local folder of the schedule, the lock and the run in hand."
    )
    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        9466, description="Port of the schedule's /metrics, on metrics.host; 0 takes a free one."
    )
    cron: str = Field("0 3 * * *", description="When it runs, as five fields of cron, in UTC; empty for never.")
    min_new_labels: Annotated[int, Field(ge=0)] = Field(
        200, description="It also runs once so many labels are new; 0 for never."
    )
    on_drift: bool = Field(default=True, description="It also runs when drift is found.")
    misfire_grace_seconds: PositiveFloat = Field(
        3600.0,
        description="How late a run may still begin, after the scheduler was down; and how long what was trained "
        "waits for brokers or registry.",
    )
    method: Literal["full", "frozen", "lora", "heads"] = Field(
        "frozen",
        description="What is trained: the whole trunk, its upper layers, low-rank additions (LoRA), or the heads "
        "alone, which needs no torch.",
    )
    frozen_layers: Annotated[int, Field(ge=0)] | None = Field(
        None, description="Lowest layers left alone by the method frozen; the lower half where it is not set."
    )
    lora_rank: PositiveInt = Field(16, description="Rank of LoRA's additions.")
    adversarial: Literal["none", "fgm", "freelb"] = Field(
        "none", description="Training against perturbed embeddings; it doubles the time or more."
    )
    epochs: PositiveInt = Field(4, description="Most passes over the data.")
    patience: PositiveInt = Field(2, description="Passes without a better validation after which training ends.")
    batch: PositiveInt = Field(32, description="Texts in one step.")
    learning_rate: PositiveFloat = Field(1e-4, description="Of the trunk, at its highest.")
    head_learning_rate: PositiveFloat = Field(1e-3, description="Of the heads, at its highest.")
    warm_up: Share = Field(0.1, description="Share of the steps in which the rate rises.")
    weight_decay: Annotated[float, Field(ge=0)] = Field(0.01, description="AdamW's.")
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(0.1, description="In the trunk and before the heads.")
    max_gradient_norm: PositiveFloat = Field(1.0, description="Longer gradients are cut to this length.")
    bf16: Literal["auto", "yes", "no"] = Field("auto", description="bfloat16, where the processor computes with it.")
    trials: Annotated[int, Field(ge=0)] = Field(
        0, description="Trials of a search over rates, decay and dropout (Optuna); 0 searches nothing."
    )
    report_to: tuple[Literal["tensorboard", "mlflow", "wandb"], ...] = Field(
        (), description="Experiment trackers, by their own packages and variables."
    )
    seed: Annotated[int, Field(ge=0)] = Field(13, description="Of all that is drawn.")
    recent_hours: PositiveFloat = Field(168.0, description="Labels of messages so recent are a test part of their own.")
    margin: Share = Field(
        0.01, description="So much worse, at most, may a candidate be on any head, slice, or the frozen part."
    )
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = Field(
        0.95, description="How sure the bootstrap must be that a candidate is better on the recent part."
    )
    resamples: PositiveInt = Field(2000, description="Resamples of the paired bootstrap.")
    slowdown: PositiveFloat = Field(1.25, description="So many times as slow, at most, may a candidate be.")


class SwapSettings(Section):
    """How workers change from one version to another."""

    stagger_seconds: Annotated[float, Field(ge=0)] = Field(
        3.0, description="Workers load a new version at different moments within so long."
    )
    shadow: bool = Field(
        default=False, description="A challenger reads along with the champion; nothing of it is published."
    )
    shadow_messages: PositiveInt = Field(500, description="Messages that a shadow run compares before it is judged.")
    shadow_agreement: Share = Field(0.8, description="Share of equal readings below which a challenger is not let in.")
    watch_seconds: PositiveFloat = Field(120.0, description="How long a new version is watched after a swap.")
    max_error_share: Share = Field(
        0.02, description="Share of messages that fail in that time, above which the old version comes back."
    )
    max_slowdown: PositiveFloat = Field(
        2.0, description="So many times as slow a reading in that time brings the old version back."
    )


class DriftSettings(Section):
    """When the stream is no longer like what the model was trained on."""

    enabled: bool = Field(default=True, description="Compare the stream with the model's training reference.")
    sample: PositiveInt = Field(500, description="Messages of one kind in one comparison.")
    every_hours: PositiveFloat = Field(
        6.0, description="They are drawn by lot from at least so long: from a day, where its hours are unlike."
    )
    false_alarms_per_month: PositiveFloat = Field(
        1.0, description="Budget of alarms while nothing drifts, over all that is compared."
    )
    min_effect: PositiveFloat = Field(
        0.1, description="Smaller changes (total variation, or Kolmogorov's distance) are no drift, however certain."
    )
