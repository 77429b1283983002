"""Drift in one worker: what it was shown of the stream against its model's training reference, and who is told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog

from exporters.onlooker_metrics import MeasureShown
from streams.contract.cloudevents import headers
from streams.contract.model_records import ModelEvent, RetrainRequest
from streams.contract.outgoing import Output
from streams.contract.records import encode
from streams.contract.topics import model_events_topic, retrain_requests_topic
from streams.logic.drift.detector import LEAST_REFERENCE, DriftDetector

if TYPE_CHECKING:
    import random

    from exporters.onlooker_metrics import OnlookerMetrics
    from models.manifest import Manifest
    from models.training_reference import TrainingReference
    from models.yardstick import Measures
    from streams.contract.records import SourceKind
    from streams.contract.settings import Settings
    from streams.logic.drift.detector import Comparison

log = structlog.get_logger(__name__)


class DriftWatch:
    """Compares the stream with one version's reference, and tells what it finds. For one thread.

    Args:
        manifest: Of the version.
        reference: What its training data looked like to it.
        settings: All of them.
        metrics: Where it is shown.
        lots: What is drawn by.
        now: Any clock's time in seconds, as in all methods.
        worker: Who tells.
    """

    def __init__(
        self,
        manifest: Manifest,
        reference: TrainingReference,
        settings: Settings,
        metrics: OnlookerMetrics,
        lots: random.Random,
        now: float,
        *,
        worker: str,
    ) -> None:
        self._manifest = manifest
        self._settings = settings
        self._metrics = metrics
        self._version = f"{manifest.name}:{manifest.version}"
        self._worker = worker
        self._detector = DriftDetector(reference, settings.drift, lots, now)
        self._kinds = frozenset(self._detector.measures)
        metrics.begin(self._detector.measures)
        left_out = sorted(set(settings.topics.inputs.values()) - self._kinds)
        if left_out:
            log.info("kinds not compared: the reference holds too few", kinds=left_out, least=LEAST_REFERENCE)

    def offer(self, kind: SourceKind, measures: Measures, fingerprint: str) -> None:
        """Take a message that was drawn by lot."""
        if kind in self._kinds:
            self._detector.offer(kind, measures, fingerprint)
            self._metrics.sample.labels(kind).set(self._detector.sample_size(kind))

    def forget(self, kind: SourceKind, now: float) -> None:
        """Begin anew with a kind, of which no messages are to come: neither a finding is shown nor a sample kept."""
        if kind in self._kinds:
            self._detector.forget(kind, now)
            self._metrics.forget(kind, self._detector.measures[kind])

    def told(self, now: float, share: float) -> list[Output]:
        """What is to be told of the comparisons that are due, which are made here.

        Args:
            now: The time.
            share: This worker's share of the stream, above 0.
        """
        return [
            output
            for kind in self._detector.due(now)
            for output in self._tell(self._detector.compare(kind, now, share))
        ]

    def _tell(self, comparison: Comparison) -> list[Output]:
        drifted = {difference.measure for difference in comparison.drifted}
        self._metrics.show_comparison(
            comparison.kind,
            (
                MeasureShown(one.measure, one.effect, one.p_value, one.measure in drifted)
                for one in comparison.differences
            ),
        )
        log.info(
            "stream compared with the training reference",
            kind=comparison.kind,
            messages=comparison.size,
            drifted=sorted(drifted),
        )
        if not comparison.news:
            return []
        event = self._event(comparison)
        log.warning("drift", id=event.id, reasons=event.reasons)
        outputs = [
            Output(
                model_events_topic(self._settings.topics),
                event.model.encode(),
                encode(event),
                headers(id=event.id, type="tocsin.model-event", time=event.time),
            )
        ]
        if self._settings.retrain.on_drift:
            outputs.append(self._request(comparison, event))
        return outputs

    def _event(self, comparison: Comparison) -> ModelEvent:
        kind = comparison.kind
        measures = sorted(difference.measure for difference in comparison.news)
        return ModelEvent(
            # Of several workers that find the same all tell one event.
            id=f"drift/{self._version}/{kind}/{'+'.join(measures)}",
            model=self._manifest.name,
            kind="drift",
            time=datetime.now(UTC),
            by=self._worker,
            version=self._manifest.version,
            reasons=[f"{kind}: {one.said} (effect {one.effect:.2f}, p {one.p_value:.1e})" for one in comparison.news],
            metrics={
                "kind": kind,
                "messages": comparison.size,
                "alpha": comparison.alpha,
                "measures": {
                    one.measure: {"effect": round(one.effect, 4), "p_value": one.p_value}
                    for one in comparison.differences
                },
            },
        )

    def _request(self, comparison: Comparison, event: ModelEvent) -> Output:
        request = RetrainRequest(
            # Once for a version and kind: whoever runs it may leave out an id that he has seen.
            id=f"drift/{self._version}/{comparison.kind}",
            model=event.model,
            time=event.time,
            by="drift",
            reason="; ".join(event.reasons),
        )
        return Output(retrain_requests_topic(self._settings.topics), request.model.encode(), encode(request))
