from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from exporters.metrics import WorkerMetrics

if TYPE_CHECKING:
    from prometheus_client import Metric

SAMPLE = {("news", 0): (3, 10, 7), ("social", 1): (None, 5, 5), ("customer", 2): (None, None, 0)}


def scrape(metrics: WorkerMetrics) -> dict[str, Metric]:
    text = generate_latest(metrics.registry).decode()
    return {family.name: family for family in text_string_to_metric_families(text)}


def values(family: Metric, *labels: str) -> dict[tuple[str, ...], float]:
    return {tuple(sample.labels[label] for label in labels): sample.value for sample in family.samples}


def used() -> WorkerMetrics:
    metrics = WorkerMetrics()
    metrics.prepare(["news", "social"], ["malformed", "empty"])
    metrics.show_model("encoder", 3, "int8")
    metrics.show_positions(SAMPLE)
    metrics.messages.labels("news").inc(2)
    metrics.dead_letters.labels("empty").inc()
    metrics.retries.labels("publish").inc()
    metrics.inference.observe(0.02)
    metrics.batch_size.observe(64)
    metrics.end_to_end.observe(0.3)
    metrics.in_flight.set_function(lambda: 17)
    metrics.alerts.labels("negative", "red", "firing").inc()
    metrics.count_push("ok")
    return metrics


def test_names_and_types_are_those_that_are_documented() -> None:
    ours = {name: family.type for name, family in scrape(used()).items() if name.startswith("tocsin_")}
    # The text format names a counter's family without _total; its sample has it.
    assert ours == {
        "tocsin_messages": "counter",
        "tocsin_dead_letters": "counter",
        "tocsin_retries": "counter",
        "tocsin_signals": "counter",
        "tocsin_late_signals": "counter",
        "tocsin_surge_duplicates": "counter",
        "tocsin_unreadable_signals": "counter",
        "tocsin_surge_state_bytes": "counter",
        "tocsin_surge_watermark_seconds": "gauge",
        "tocsin_surge_subjects": "gauge",
        "tocsin_surge_crowded": "counter",
        "tocsin_alerts": "counter",
        "tocsin_alertmanager_pushes": "counter",
        "tocsin_alertmanager_last_success_timestamp_seconds": "gauge",
        "tocsin_false_alarm_verdicts": "counter",
        "tocsin_inference_seconds": "histogram",
        "tocsin_batch_size": "histogram",
        "tocsin_end_to_end_seconds": "histogram",
        "tocsin_in_flight_messages": "gauge",
        "tocsin_model_info": "gauge",
        "tocsin_committed_offset": "gauge",
        "tocsin_high_water_offset": "gauge",
        "tocsin_consumer_lag": "gauge",
        "tocsin_assigned_partitions": "gauge",
    }


def test_a_push_is_counted_and_the_time_of_the_last_that_was_taken_shown() -> None:
    metrics = WorkerMetrics()
    metrics.prepare_pushes(["ok", "failed"])
    metrics.count_push("failed")
    last = "tocsin_alertmanager_last_success_timestamp_seconds"
    assert values(scrape(metrics)[last]) == {(): 0.0}
    before = time.time()
    metrics.count_push("ok")
    assert values(scrape(metrics)["tocsin_alertmanager_pushes"], "outcome") == {("ok",): 1.0, ("failed",): 1.0}
    assert before <= values(scrape(metrics)[last])[()] <= time.time()


def test_late_signals_are_by_input_and_an_invented_input_makes_no_series() -> None:
    metrics = WorkerMetrics()
    metrics.prepare_late(["news", "social"])
    metrics.count_late("news", 2)
    for number in range(3):
        metrics.count_late(f"invented {number}", 1)
    assert values(scrape(metrics)["tocsin_late_signals"], "input") == {
        ("news",): 2.0,
        ("social",): 0.0,
        ("(others)",): 3.0,
    }


def test_every_metric_has_a_help_text() -> None:
    assert all(family.documentation for family in scrape(used()).values())


def test_nothing_tells_when_it_was_created() -> None:
    assert not [name for name in scrape(used()) if "_created" in name]


def test_the_process_is_shown_too() -> None:
    assert {"process_resident_memory_bytes", "process_cpu_seconds", "python_info"} <= scrape(used()).keys()


def test_counts_are_by_source_reason_and_stage() -> None:
    families = scrape(used())
    assert {sample.name for sample in families["tocsin_messages"].samples} == {"tocsin_messages_total"}
    assert values(families["tocsin_messages"], "source") == {("news",): 2, ("social",): 0}
    assert values(families["tocsin_dead_letters"], "reason") == {("malformed",): 0, ("empty",): 1}
    assert values(families["tocsin_retries"], "stage") == {("publish",): 1}
    assert values(families["tocsin_in_flight_messages"]) == {(): 17}


def test_signals_are_counted_by_kind_of_subject_from_zero() -> None:
    metrics = WorkerMetrics()
    metrics.signals.labels("topic").inc(2)
    expected = {("topic",): 2, ("entity",): 0, ("entity_topic",): 0}
    assert values(scrape(metrics)["tocsin_signals"], "kind") == expected


def test_desks_are_shown_as_they_are_now() -> None:
    metrics = WorkerMetrics()
    metrics.show_desks({0: (1772438400.0, 5), 3: (None, 2)})
    families = scrape(metrics)
    assert values(families["tocsin_surge_watermark_seconds"], "partition") == {("0",): 1772438400.0}
    assert values(families["tocsin_surge_subjects"]) == {(): 7}
    metrics.show_desks({})
    assert values(scrape(metrics)["tocsin_surge_subjects"]) == {(): 0}


def test_histograms_have_buckets_around_what_is_measured() -> None:
    for name, value in (("inference_seconds", 0.02), ("batch_size", 64), ("end_to_end_seconds", 0.3)):
        family = scrape(used())[f"tocsin_{name}"]
        filled = {float(s.labels["le"]): s.value for s in family.samples if s.name.endswith("_bucket")}
        assert {edge for edge, count in filled.items() if count} == {edge for edge in filled if edge >= value}
        (total,) = (s.value for s in family.samples if s.name.endswith("_sum"))
        assert total == value


def test_only_the_model_that_answers_is_shown() -> None:
    metrics = used()
    assert values(scrape(metrics)["tocsin_model_info"], "name", "version", "precision") == {("encoder", "3", "int8"): 1}
    metrics.show_model("encoder", 4, "fp32")
    assert values(scrape(metrics)["tocsin_model_info"], "name", "version", "precision") == {("encoder", "4", "fp32"): 1}


def test_positions_are_shown_where_they_are_known() -> None:
    families = scrape(used())
    assert values(families["tocsin_committed_offset"], "topic", "partition") == {("news", "0"): 3}
    assert values(families["tocsin_high_water_offset"], "topic", "partition") == {("news", "0"): 10, ("social", "1"): 5}
    assert values(families["tocsin_consumer_lag"], "topic", "partition") == {("news", "0"): 7, ("social", "1"): 5}
    assert values(families["tocsin_assigned_partitions"]) == {(): 3}


def test_partitions_that_went_are_shown_no_longer() -> None:
    metrics = used()
    metrics.show_positions({})
    families = scrape(metrics)
    assert values(families["tocsin_assigned_partitions"]) == {(): 0}
    assert families["tocsin_consumer_lag"].samples == []


def test_a_scrape_in_the_middle_of_a_rebalance_is_whole() -> None:
    metrics = WorkerMetrics()
    before = {("news", number): (number, 100, 100 - number) for number in range(20)}
    after = {("social", number): (number, 7, 7) for number in range(3)}
    states = [{(topic, str(partition)) for topic, partition in state} for state in (before, after)]
    stop = threading.Event()

    def rebalance() -> None:
        while not stop.is_set():
            metrics.show_positions(before)
            metrics.show_positions(after)

    metrics.show_positions(before)
    thread = threading.Thread(target=rebalance)
    thread.start()
    try:
        for _ in range(100):
            families = scrape(metrics)
            shown = values(families["tocsin_consumer_lag"], "topic", "partition")
            assert set(shown) in states
            assert values(families["tocsin_committed_offset"], "topic", "partition").keys() == shown.keys()
            assert values(families["tocsin_assigned_partitions"]) == {(): len(shown)}
    finally:
        stop.set()
        thread.join()


def test_two_workers_in_one_process_count_apart() -> None:
    first, second = WorkerMetrics(), WorkerMetrics()
    first.messages.labels("news").inc()
    assert values(scrape(second)["tocsin_messages"]) == {}
