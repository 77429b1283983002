"""Evidence: gathered while a window is open, kept by window for a while when it closes, told when the bell rings."""

from __future__ import annotations

from bisect import insort
from typing import TYPE_CHECKING

from streams.logic.surge import latest
from streams.logic.surge.latest import HORIZON, OTHERS
from streams.logic.surge.subject import Gathered, Latest, Mention

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streams.contract.alerts import SurgeKind
    from streams.contract.signals import Signal
    from streams.logic.surge.subject import Open, Subject

# In how many closed windows a message's score fades by half.
_HALF_LIFE = 6
_NAMES_OPEN = 24


def gather(into: Gathered, signal: Signal, time: float, text_print: bytes, most: int) -> None:
    """Take a message that was counted into the evidence.

    Args:
        into: Evidence of its window.
        signal: What it says of the subject.
        time: Its time, seconds since the epoch.
        text_print: Short print of its text.
        most: How many messages are told at the most.
    """
    _count(into.sources, signal.source)
    for entity in signal.entities:
        _count(into.entities, entity)
    mentions = into.mentions
    if signal.text is None or (len(mentions) >= most and signal.score < mentions[-1].score):
        return
    mention = Mention(
        id=signal.message_id,
        time=time,
        source=signal.source,
        text=signal.text,
        sentiment=signal.sentiment,
        score=signal.score,
        print=text_print,
    )
    insort(mentions, mention, key=_rank)
    del mentions[most:]


def fold(subject: Subject, bucket: int, window: Open | None) -> None:
    """Close a window: its evidence joins what is recent. Messages are trimmed by ``trim``, once it has been told."""
    # After a crash between two states, windows are closed once more that a subject's own state has behind it.
    ago = max(0, subject.recent_bucket - bucket)
    if bucket > subject.recent_bucket:
        for kept in subject.latest.values():
            latest.pass_over(kept.sources, bucket - subject.recent_bucket)
            latest.pass_over(kept.entities, bucket - subject.recent_bucket)
        subject.recent_bucket = bucket
    if window is None:
        return
    subject.model = window.model or subject.model
    for kind, gathered in window.gathered.items():
        kept = subject.latest.setdefault(kind, Latest())
        latest.put(kept.sources, gathered.sources, ago)
        latest.put(kept.entities, gathered.entities, ago)
        recent = subject.recent.setdefault(kind, Gathered())
        recent.mentions = sorted([*recent.mentions, *gathered.mentions], key=_rank)
    if window.copies:
        subject.left_out[bucket] = sum(window.copies.values())
        for recent in subject.recent.values():
            for mention in recent.mentions:
                mention.copies += window.copies.get(mention.print, 0)


def trim(subject: Subject, bucket: int, most: int, window_seconds: int) -> None:
    """Keep the most telling messages, the latest before older ones, and drop what no scan reaches any more."""
    oldest = (bucket - HORIZON + 1) * window_seconds
    end = (bucket + 1) * window_seconds
    for recent in subject.recent.values():
        mentions = [mention for mention in recent.mentions if mention.time >= oldest]
        if len(mentions) > most:
            faded = 0.5 ** (1.0 / (_HALF_LIFE * window_seconds))
            mentions.sort(key=lambda mention: (-mention.score * faded ** (end - mention.time), mention.id))
            mentions = sorted(mentions[:most], key=_rank)
        recent.mentions = mentions
    for old in [each for each in subject.left_out if each <= bucket - HORIZON]:
        del subject.left_out[old]


def told(subject: Subject, kind: SurgeKind, window: tuple[int, int], window_seconds: int, most: int) -> list[Mention]:
    """The most telling messages of some windows, no two with one text, best first."""
    first, end = window[0] * window_seconds, (window[1] + 1) * window_seconds
    distinct: dict[bytes, Mention] = {}
    for mention in subject.recent.get(kind, Gathered()).mentions:
        if first <= mention.time < end:
            distinct.setdefault(mention.print, mention)
    return list(distinct.values())[:most]


def heard(subject: Subject, kind: SurgeKind, window: tuple[int, int]) -> tuple[dict[str, float], dict[str, float]]:
    """Shares of the sources, and of the other entities, in the messages of some windows, the greatest first.

    Of windows that lie beyond the horizon nothing is kept: of a long stretch these are the shares in its end.
    """
    kept = subject.latest.get(kind, Latest())
    sources, entities = (
        latest.within(counts, subject.recent_bucket, *window) for counts in (kept.sources, kept.entities)
    )
    total = sum(sources.values())
    return _shares(sources, total), _shares(entities, total)


def _shares(counts: Mapping[str, int], total: int) -> dict[str, float]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return {name: round(min(1.0, count / total), 4) for name, count in ordered}


def _rank(mention: Mention) -> tuple[float, float, str]:
    return -mention.score, mention.time, mention.id


def _count(counts: dict[str, float], name: str) -> None:
    if name in counts:
        counts[name] += 1.0
    else:
        name = name if len(counts) < _NAMES_OPEN else OTHERS
        counts[name] = counts.get(name, 0.0) + 1.0
