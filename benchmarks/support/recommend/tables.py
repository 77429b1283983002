"""The figures as tables of Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.support.recommend.trials import DEFAULT, SERVED, TOCSIN, UNPROJECTED
from benchmarks.support.report import table

if TYPE_CHECKING:
    from collections.abc import Mapping

_TITLES = {
    "random": "random",
    "most_popular": "most popular",
    "recency": "newest first",
    "tfidf": "TF-IDF similarity",
    "item_knn": "ItemKNN",
    "vectors": "the encoder's vectors alone",
    DEFAULT: "Tocsin, default weights",
    UNPROJECTED: "Tocsin, learned weights, no projection",
    TOCSIN: "**Tocsin, learned**",
    SERVED: "Tocsin as served: 200 candidates, diversity 0.3",
}
_MEASURES = {"auc": "AUC", "mrr": "MRR", "ndcg_5": "nDCG@5", "ndcg_10": "nDCG@10"}
_MIB = 1 << 20


def tables(figures: Mapping[str, Any]) -> str:
    """Every table of the benchmark."""
    parts = [_trial("all items", figures), _trial("items never seen", figures["cold"]), _gain(figures)]
    parts.append(_cost(figures["cost"]))
    if "through_kafka" in figures:
        parts.append(through(figures["through_kafka"]))
    return "\n".join(parts)


def _gain(figures: Mapping[str, Any]) -> str:
    """What the projection adds to weights that were learned without one."""
    rows = [
        [title, *(f"{found['by']:+.3f} ({found['low']:+.3f} to {found['high']:+.3f})" for found in gains)]
        for title, gains in (
            (name, [part["projection"][measure] for measure in _MEASURES])
            for name, part in (("all items", figures), ("items never seen", figures["cold"]))
        )
    ]
    return table(["gain by the projection (95%)", *_MEASURES.values()], rows)


def through(found: Mapping[str, Any]) -> str:
    """What goes through a broker and a worker."""
    rows = [
        ["readers, items", f"{found['readers']:,}, {found['items']:,}"],
        ["behaviors sent, a second", f"{found['sent_per_second']:,.0f}"],
        ["counted and kept, a second", f"{found['counted_per_second']:,.0f}"],
        ["lag when the last was sent", f"{found['lag_at_the_end']:,} behaviors, {found['seconds_to_catch_up']:.1f} s"],
        ["recommendations published", f"{found['recommendations']:,}"],
        ["the worker's memory at most", f"{found['rss_bytes'] / _MIB:.0f} MiB"],
        ["its processor time", f"{found['cpu_seconds']:.0f} s"],
    ]
    return table(["through Kafka, one worker", ""], rows)


def _trial(title: str, figures: Mapping[str, Any]) -> str:
    rows = [
        [name, *(_cell(figures[measure].get(key), strong=key == TOCSIN) for measure in _MEASURES)]
        for key, name in _TITLES.items()
        if key in figures["mrr"]
    ]
    rows.append(
        [
            "ahead of the best rival (95%, one-sided each)",
            *(
                f"{found['low']:+.3f} to {found['high']:+.3f} ({_TITLES[found['over']]})"
                for found in (figures["ahead"][measure] for measure in _MEASURES)
            ),
        ]
    )
    return table([title, *_MEASURES.values()], rows)


def _cell(value: float | None, *, strong: bool) -> str:
    if value is None:
        return ""
    return f"**{value:.3f}**" if strong else f"{value:.3f}"


def _cost(cost: Mapping[str, Any]) -> str:
    rows = [
        ["readers, items", f"{cost['readers']:,}, {cost['items']:,}"],
        ["behaviors taken in, a second", f"{cost['behaviors_per_second']:,.0f}"],
        [
            "one recommendation, p50 / p99",
            f"{1000 * cost['recommendation_p50_seconds']:.1f} / {1000 * cost['recommendation_p99_seconds']:.1f} ms",
        ],
        ["items put into the index, a second", f"{cost['items_indexed_per_second']:,.0f}"],
        ["a reader's state, mean", f"{cost['state_mean_bytes']:,.0f} bytes in {1e6 * cost['dump_seconds']:.0f} µs"],
        [
            "the same of one who saw more than is kept",
            f"{cost['full_state_bytes']:,} bytes, {cost['full_state_seen']:,} items",
        ],
        ["memory: index", f"{cost['index_memory_bytes'] / _MIB:.0f} MiB"],
        ["memory: readers and counts", f"{cost['readers_and_counts_memory_bytes'] / _MIB:.0f} MiB"],
    ]
    return table(["cost, one process, one thread", ""], rows)
