"""A soak's figures as tables of Markdown. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.support.report import table

if TYPE_CHECKING:
    from collections.abc import Mapping

_MIB = 1 << 20


def tables(figures: Mapping[str, Any]) -> str:
    """The steady phase, what went on in it, and the overload where there was one."""
    parts = [_steady(figures), _acts(figures["acts"])]
    if figures["overload"] is not None:
        parts.append(_overload(figures["overload"]))
    return "\n".join(parts)


def _steady(figures: Mapping[str, Any]) -> str:
    lag = figures["lag"]
    rows = [
        ["hours", f"{figures['hours']:.2f}"],
        ["most that both workers read from a backlog, messages/s", f"{figures['messages_per_second']:.0f}"],
        ["sent, messages/s", f"{figures['sent_per_second']:.0f}"],
        ["messages", f"{figures['messages']:,}"],
        ["**missing**", f"**{figures['missing']}**"],
        ["outputs beyond one, with the id of the first", str(figures["duplicates"])],
        ["outputs with an id of no message / dead letters", f"{figures['strangers']} / {figures['dead_letters']}"],
        ["**memory: last tenth over second tenth**", f"**{figures['rss_ratio']:.3f}**"],
        *(
            [f"memory after the warm-up, {name}, MiB an hour", _slope(found)]
            for name, found in figures["rss_mib_per_hour"].items()
        ),
        ["memory of one worker, highest", _mebibytes(figures["rss_max_bytes"])],
        ["latency, p50", _seconds(figures["latency_p50_seconds"])],
        ["latency, p99", _seconds(figures["latency_p99_seconds"])],
        ["**p99: last quarter over first quarter after the warm-up**", f"**{figures['p99_ratio']:.2f}**"],
        [
            "lag, median / highest / at the end, messages",
            " / ".join(map(_number, (lag["median"], lag["max"], lag["at_end"]))),
        ],
        ["surge detection's own lag, highest, signals", _number(lag["signals_max"])],
    ]
    return table([f"{figures['workers']} workers at {figures['rate_share']:.0%} of the most", ""], rows)


def _acts(acts: Mapping[str, Any]) -> str:
    rows = [
        ["swaps", _outcomes(acts["swap"])],
        ["swap, median / longest", f"{_seconds(acts['swap_seconds_median'])} / {_seconds(acts['swap_seconds_max'])}"],
        ["a third worker came and went", f"{_outcomes(acts['rebalance'])}; {acts['killed']} by kill -9"],
        ["retrainings", _outcomes(acts["retraining"])],
        ["retraining, seconds", ", ".join(map(str, acts["retraining_seconds"])) or "none"],
    ]
    return table(["meanwhile", ""], rows)


def _overload(it: Mapping[str, Any]) -> str:
    rows = [
        ["sent, messages/s", f"{it['sent_per_second']:.0f} for {it['seconds'] / 60:.1f} min"],
        ["that is, times the most", f"{it['times_of_most']:.2f}"],
        ["messages", f"{it['messages']:,}"],
        ["**missing**", f"**{it['missing']}**"],
        ["outputs beyond one, with the id of the first", str(it["duplicates"])],
        ["lag, highest / when feeding ended, messages", f"{_number(it['lag_max'])} / {_number(it['lag_at_end'])}"],
        [
            "until there was no lag",
            f"{_seconds(it['drain_seconds'])}; {_seconds(it['drain_seconds_expected'])} by the backlog's rate",
        ],
        ["memory of one worker, highest", _mebibytes(it["rss_max_bytes"])],
        ["that is, times the highest before", f"{it['rss_max_ratio']:.2f}"],
    ]
    return table(["overload", ""], rows)


def _outcomes(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in counts.items()) or "none"


def _slope(found: Mapping[str, float]) -> str:
    return f"{found['slope']:+.1f} ({found['low']:+.1f} to {found['high']:+.1f})"


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,.0f}"


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return "never"
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _mebibytes(size: float) -> str:
    return f"{size / _MIB:.0f} MiB"
