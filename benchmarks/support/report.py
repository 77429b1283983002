"""The figures as tables of Markdown: for the terminal, and for docs/performance.md, so that nobody copies a number."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

_TITLES = {"tansu": "Tansu (embedded)", "kafka": "Apache Kafka"}
_MIB = 1 << 20


def tables(figures: Mapping[str, Any]) -> str:
    """Every table of the throughput benchmark."""
    return "\n".join([_rates(figures), _limit(figures), *_profiles(figures)])


def update_page(page: Path, content: str, benchmark: str = "throughput") -> None:
    """Put a benchmark's tables between its two marks on the page.

    Raises:
        ValueError: The page has not both marks.
    """
    first, last = f"<!-- {benchmark}: begin (made by benchmarks/{benchmark}.py) -->", f"<!-- {benchmark}: end -->"
    text = page.read_text(encoding="utf-8")
    head, begin, rest = text.partition(first)
    _, end, tail = rest.partition(last)
    if not begin or not end:
        raise ValueError(f"{page} must hold {first} and {last}")
    page.write_text(f"{head}{first}\n\n{content}\n{last}{tail}", encoding="utf-8")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown, its first column on the left and all others on the right."""
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _rates(figures: Mapping[str, Any]) -> str:
    engines = list(figures["messages_per_second"])
    runs = figures["runs"]
    limit = figures["arithmetic"]["texts_per_second"]
    rows: list[tuple[str, Callable[[str], str]]] = [
        ("(a) torch loop, one message at a time, messages/s", lambda engine: _spread(runs[engine]["pipeline"])),
        ("(a') torch loop, 32 at a time, messages/s", lambda engine: _spread(runs[engine]["batched_pipeline"])),
        (
            "(a') gives the served graph's topic / sentiment",
            lambda engine: " / ".join(f"{share:.1%}" for share in runs[engine]["agreement_of_torch"].values()),
        ),
        ("(b) bare runtime, texts/s", lambda engine: _spread(runs[engine]["runtime"])),
        (
            "**(c) Tocsin, messages/s**",
            lambda engine: f"**{_spread([run['messages_per_second'] for run in runs[engine]['tocsin']])}**",
        ),
        (
            "(c') Tocsin, reading alone, messages/s",
            lambda engine: _spread([run["messages_per_second"] for run in runs[engine]["tocsin_reading_alone"]]),
        ),
        (
            "(c'') Tocsin, replaying by the messages' own times, messages/s",
            lambda engine: _spread([run["messages_per_second"] for run in runs[engine]["tocsin_replaying"]]),
        ),
        ("(c) / (a)", lambda engine: f"{figures['ratio_to_pipeline'][engine]:.1f}"),
        ("(c) / (a')", lambda engine: f"{figures['ratio_to_batched_pipeline'][engine]:.1f}"),
        ("(c) / (b)", lambda engine: f"{figures['ratio_to_runtime'][engine]:.2f}"),
        ("(c') / (b)", lambda engine: f"{figures['ratio_to_runtime_reading_alone'][engine]:.2f}"),
        ("(c) / arithmetic limit", lambda engine: f"{figures['messages_per_second'][engine] / limit:.2f}"),
        ("half load, messages/s", lambda engine: f"{figures['latency_load_per_second'][engine]:.0f}"),
        ("latency at half load, p50", lambda engine: _milliseconds(figures["latency_p50_seconds"][engine])),
        ("latency at half load, p99", lambda engine: _milliseconds(figures["latency_p99_seconds"][engine])),
        ("worker's memory, peak", lambda engine: _mebibytes(figures["rss_bytes"][engine])),
        ("worker's memory, steady", lambda engine: _mebibytes(figures["rss_steady_bytes"][engine])),
        ("worker's processor use, cores", lambda engine: f"{figures['worker_cores'][engine]:.2f}"),
        ("broker's processor use, cores", lambda engine: f"{figures['broker_cores'][engine]:.2f}"),
    ]
    return table(
        ["", *(_TITLES[engine] for engine in engines)],
        [[title, *(cell(engine) for engine in engines)] for title, cell in rows],
    )


def _limit(figures: Mapping[str, Any]) -> str:
    limit, runtime = figures["arithmetic"], figures["runtime_alone"]
    rates = limit["rates"]
    plan = runtime["plan"]
    most = f"at most {plan['texts']} texts" + ("" if plan["tokens"] is None else f" and {plan['tokens']} tokens")
    threads = f"{plan['lanes']} at once with {plan['threads'] or 'all'} threads each"
    spinning = f"spinning {'on' if plan['spinning'] else 'off'}"
    layer = " by ".join(map(str, rates["layer_shape"]))
    large = " by ".join(map(str, rates["large_shape"]))
    rows = [
        ["texts", f"{figures['texts']}, mean {limit['tokens_per_text']:.1f} tokens"],
        [
            "multiply-adds a text",
            f"{limit['multiply_adds_per_text'] / 1e6:.0f} million, {limit['int8_share']:.0%} int8",
        ],
        *(
            [
                f"{title}, 10⁹ operations/s",
                f"{rates[f'{name}_large_gigaflops']:.0f} ({large}), {rates[f'{name}_layer_gigaflops']:.0f} ({layer})",
            ]
            for title, name in (
                ("numpy fp32", "numpy_fp32"),
                ("onnxruntime fp32", "runtime_fp32"),
                ("onnxruntime int8", "runtime_int8"),
            )
        ),
        ["arithmetic limit, texts/s", f"{limit['texts_per_second']:.0f}"],
        ["padding, bare runtime / worker", f"{limit['padding_of_runtime']:.1%} / {limit['padding_of_worker']:.1%}"],
        ["fastest plan of the bare runtime", f"{most} a run, {threads}, {spinning}"],
        ["of which tokenising", f"{runtime['tokenising_share']:.1%}"],
    ]
    return table(["arithmetic", ""], rows)


def _profiles(figures: Mapping[str, Any]) -> Iterable[str]:
    for engine, threads in figures["profile"].items():
        kinds = sorted(
            {kind for thread in threads.values() for kind in thread["shares"]},
            key=lambda kind: -max(thread["shares"].get(kind, 0.0) for thread in threads.values()),
        )
        rows = [
            [
                kind,
                *(f"{thread['shares'][kind]:.1%}" if kind in thread["shares"] else "" for thread in threads.values()),
            ]
            for kind in kinds
        ]
        rows.append(["processor use, cores", *(f"{thread['cores']:.2f}" for thread in threads.values())])
        yield table([f"share of each thread's time, {_TITLES[engine]}", *threads], rows)


def _spread(values: Sequence[float]) -> str:
    digits = 0 if median(values) >= 100 else 1
    return f"{median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms"


def _mebibytes(size: float) -> str:
    return f"{size / _MIB:.0f} MiB"
