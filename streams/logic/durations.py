"""Lengths of time as a desk writes them. Pure."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"(?:\d+[smhdw])+", re.ASCII)
_PART = re.compile(r"(\d+)([smhdw])", re.ASCII)
_LONGEST_SECONDS = 366 * 86_400
_LONGEST_TEXT = 32


def parse_duration(text: str) -> timedelta:
    """A length of time as Prometheus writes it: ``90m``, ``2h``, ``1d12h``.

    Raises:
        ValueError: It is none, no time at all, or longer than a year.
    """
    seconds = 0
    if len(text) <= _LONGEST_TEXT and _DURATION.fullmatch(text):
        seconds = sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    if 0 < seconds <= _LONGEST_SECONDS:
        return timedelta(seconds=seconds)
    raise ValueError(f"{text[:_LONGEST_TEXT]!r} is no length of time: write one such as 90m, 2h or 1d12h, up to a year")
