"""Three invented versions of a model in a registry, judged as real ones are: for the page's pictures."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from models.registry import Registry
from retrain.decisions import DecisionRecord, keep_decision
from retrain.gate import Check

if TYPE_CHECKING:
    from collections.abc import Mapping

_BETTER = (
    "On the newest messages that were drawn by lot it is better: 0.688 where the champion has 0.612, ahead by 0.076 "
    "(ahead by +0.031 to +0.118 at 95%; 214 messages)."
)
_REPORT = """# The encoder for finance, retrained

Base package:bge-small-en, frozen fine-tuning, seed 13. Served as int8.

| head | answers | accuracy | macro-F1 |
| --- | --- | --- | --- |
| topic | 724 | 0.782 | 0.764 |
| sentiment | 724 | 0.811 | 0.795 |
"""


def judged_versions(folder: Path) -> Registry:
    """A registry whose second version serves and whose third was rejected."""
    registry = Registry(str(folder))
    for f1 in ((0.710, 0.754, 0.665, 0.764), (0.764, 0.795, 0.702, 0.781), (0.771, 0.788, 0.709, 0.779)):
        _register(registry, f1)
    registry.set_alias("encoder", "champion", 1)
    registry.set_alias("encoder", "champion", 2)
    better = Check(passed=True, says="", champion=0.612, candidate=0.688, rows=214, low=0.031, high=0.118)
    level = Check(passed=True, says="", champion=0.801, candidate=0.804, rows=724, low=-0.012, high=0.018)
    worse = Check(passed=False, says="", champion=0.781, candidate=0.742, rows=131, low=-0.066, high=-0.011)
    _judge(
        registry,
        2,
        [
            _BETTER,
            "In 2 other checks it is nowhere worse by more than the margin and by more than chance.",
        ],
        {"newest messages drawn by lot": better, "sentiment": level, "towards": level},
    )
    _judge(
        registry,
        3,
        ["On customers' messages its intent is worse: 0.742 where the champion has 0.781 (131 messages)."],
        {"newest messages drawn by lot": better, "sentiment": level, "intent of customers": worse},
    )
    return registry


def _register(registry: Registry, f1: tuple[float, float, float, float]) -> None:
    topic, sentiment, intent, entities = f1
    with tempfile.TemporaryDirectory() as files:
        Path(files, "report.md").write_text(_REPORT, encoding="utf-8")
        version = registry.register(
            Path(files),
            "encoder",
            precision="int8",
            max_tokens=128,
            width=384,
            metrics={
                "topic": {"macro_f1": topic, "accuracy": topic + 0.02},
                "sentiment": {"macro_f1": sentiment, "accuracy": sentiment + 0.02},
                "intent": {"macro_f1": intent, "accuracy": intent + 0.01},
                "towards": {"macro_f1": 0.68, "accuracy": 0.74},
                "entities": {"f1": entities, "recall": entities + 0.02, "precision": entities - 0.02},
            },
            lineage={"base": "package:bge-small-en", "domain": "finance", "seed": 13},
        )
    assert version > 0


def _judge(registry: Registry, version: int, reasons: list[str], checks: Mapping[str, Check]) -> None:
    record = DecisionRecord(
        run=f"run-{version}",
        time=datetime.now(UTC),
        champion=version - 1,
        promote=all(check.passed for check in checks.values()),
        reasons=reasons,
        figures={name: asdict(check) for name, check in checks.items()},
    )
    keep_decision(registry, "encoder", version, record)
