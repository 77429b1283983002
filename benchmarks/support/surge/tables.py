"""The figures as tables of Markdown, for the terminal and for docs/surge.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.support.report import table
from benchmarks.support.surge.planted import BASES, FACTORS
from benchmarks.support.surge.rivals import RIVALS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_TITLES = {rival.name: rival.title for rival in RIVALS} | {"tocsin": "**Tocsin**"}
_CORPORA = {
    "mixed": "mixed (a quarter each of the following, without all hours)",
    "replayed": "replayed, real hours before the first rise",
    "replayed_all_hours": "replayed, all real hours, surges among them",
    "over_dispersed": "over-dispersed",
    "self_exciting": "self-exciting",
    "syndicated": "rest of syndicated copies",
}
_KIB = 1 << 10


def tables(figures: Mapping[str, Any]) -> str:
    """Every table of the benchmark; the first is the summary."""
    return "\n".join(
        [_summary(figures), _stationary(figures), _surges(figures), _week(figures), _cost(figures["cost"])]
    )


def _summary(figures: Mapping[str, Any]) -> str:
    rows = []
    for name in ("tocsin", *(rival.name for rival in RIVALS)):
        mixed = figures["stationary"]["mixed"]
        rows.append(
            [
                _TITLES[name],
                *(_number(size.get(name)) for size in mixed.values()),
                _number(figures["planted"]["false_alarms_per_week"][name]),
                *_cells_of(figures["planted"]["found"][name]["2"]),
            ]
        )
    rows.append(
        [
            "oracle, knows both rates",
            *("" for _ in figures["stationary"]["mixed"]),
            _number(figures["budget_per_week"]),
            *_cells_of(figures["planted"]["oracle"]["2"]),
        ]
    )
    bound = figures["planted"]["bound"]["2"]
    shares = [
        " / ".join(f"{bound[str(base)][key]:.0%}" for base in BASES) for key in ("within_30_minutes", "within_2_hours")
    ]
    rows.append(
        ["no detector can find more than", *("" for _ in range(len(figures["stationary"]["mixed"]) + 1)), *shares, ""]
    )
    bases = " / ".join(map(str, BASES))
    return table(
        [
            f"false alarms a week (budget {figures['budget_per_week']:g}); surges of twice over",
            *(f"{size} subjects" for size in figures["stationary"]["mixed"]),
            "planted desk",
            f"found in 30 min at {bases}/h",
            f"in 2 h at {bases}/h",
            "median delay, min",
        ],
        rows,
    )


def _cells_of(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return [
        " / ".join(f"{found[str(base)]['within_30_minutes']:.0%}" for base in BASES),
        " / ".join(f"{found[str(base)]['within_2_hours']:.0%}" for base in BASES),
        " / ".join(_number(found[str(base)]["delay_minutes"]) for base in BASES),
    ]


def _stationary(figures: Mapping[str, Any]) -> str:
    rows = []
    for corpus, sizes in figures["stationary"].items():
        for size, found in sizes.items():
            rows.append(
                [
                    _CORPORA[corpus],
                    size,
                    f"{found['subject_days']:,}",
                    f"**{found['tocsin']:.2f}** ({found['alarms']} in {found['desk_weeks']} desk-weeks)",
                    *(_number(found.get(rival.name)) for rival in RIVALS),
                ]
            )
    return table(
        [
            "false alarms per desk and week",
            "subjects",
            "subject-days",
            "Tocsin",
            *(_TITLES[rival.name] for rival in RIVALS),
        ],
        rows,
    )


def _surges(figures: Mapping[str, Any]) -> str:
    planted = figures["planted"]
    rows = []
    for factor in (f"{factor:g}" for factor in FACTORS):
        for base in map(str, BASES):
            rows.append([f"{factor} x {base}/h", str(planted["found"]["tocsin"][factor][base]["surges"])])
            for key in ("within_30_minutes", "within_2_hours"):
                share_of = {rival: planted["found"][rival.name][factor][base][key] for rival in RIVALS}
                best = max(RIVALS, key=share_of.__getitem__)
                rows[-1] += [
                    f"**{planted['found']['tocsin'][factor][base][key]:.0%}**",
                    f"{share_of[best]:.0%} {best.title}",
                    f"{planted['oracle'][factor][base][key]:.0%}",
                    f"{planted['bound'][factor][base][key]:.0%}",
                ]
            rows[-1].append(_number(planted["found"]["tocsin"][factor][base]["delay_minutes"]))
            rows[-1].append(_number(planted["oracle"][factor][base]["delay_minutes"]))
    half, full = "30 min: ", "2 h: "
    return table(
        [
            "planted surge",
            "surges",
            *(f"{wait}{who}" for wait in (half, full) for who in ("Tocsin", "best rival", "oracle", "bound")),
            "delay, min: Tocsin",
            "oracle",
        ],
        rows,
    )


def _week(figures: Mapping[str, Any]) -> str:
    week = figures["real_week"]
    days = list(next(iter(week["days"].values())))
    rows = [
        [airline, *(f"{of[day][0]} / {of[day][1]}" for day in days), _moments(week["rings"]["tocsin"][airline])]
        for airline, of in week["days"].items()
    ]
    others = [
        [
            _TITLES[name],
            "; ".join(f"{airline}: {_moments(times)}" for airline, times in rings.items() if times) or "never",
        ]
        for name, rings in week["rings"].items()
        if name != "tocsin"
    ]
    head = ["negatives / all, Feb 2015 (Pacific)", *(day[-2:] for day in days), "Tocsin rings at the close of"]
    return table(head, rows) + "\n" + table(["rival, threshold tuned on mixed desks of 10", "rings"], others)


def _cost(runs: Iterable[Mapping[str, Any]]) -> str:
    return table(
        [
            "subjects",
            "signals",
            "signals/s, one core",
            "with checkpoints",
            "memory a subject",
            "state a subject, mean (greatest)",
            "state written a signal",
        ],
        [
            [
                f"{run['subjects']:,}",
                f"{run['signals']:,}",
                f"{run['signals_per_second']:,.0f}",
                f"{run['signals_per_second_with_checkpoints']:,.0f}",
                f"{run['memory_bytes_per_subject'] / _KIB:.1f} KiB",
                f"{run['state_bytes_mean'] / _KIB:.1f} ({run['state_bytes_greatest'] / _KIB:.1f}) KiB",
                f"{run['state_bytes_per_signal']:.0f} B",
            ]
            for run in runs
        ],
    )


def _moments(times: Iterable[str]) -> str:
    """Day and minute, since month and year are the same for all."""
    return ", ".join(time[-8:].replace(" ", ". ") for time in times) or "never"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"
