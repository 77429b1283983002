"""Five fields of cron, as cron reads them.

APScheduler's own reading differs in two ways: it numbers the days of the week from Monday, and asks for both where a
day of the month and a day of the week are given, of which cron wants either.
"""

from __future__ import annotations

import re
from datetime import UTC
from typing import TYPE_CHECKING

from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger

from streams.contract.settings import SettingsError

if TYPE_CHECKING:
    from apscheduler.triggers.base import BaseTrigger

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS = 5
# A number, a range of numbers, or any day, each with a step or without.
_NUMBERED = re.compile(r"(?:\*|([0-7])(?:-([0-7]))?)(?:/([1-9][0-9]?))?")


def trigger_of(cron: str, setting: str = "retrain.cron") -> BaseTrigger:
    """When a line of cron is due, in UTC.

    Args:
        cron: Minute, hour, day of the month, month and day of the week, such as ``0 3 * * 1-5``.
        setting: Where it stands, for the error.

    Raises:
        SettingsError: It is no line of cron.
    """
    fields = cron.split()
    try:
        if len(fields) != _FIELDS:
            raise ValueError(f"it has {len(fields)} fields")  # noqa: TRY301  told as whatever else is wrong with it
        minute, hour, day, month, weekday = fields
        named = ",".join(_named(part) for part in weekday.split(","))
        if day.startswith("*") or weekday.startswith("*"):
            return _trigger(minute, hour, day, month, named)
        return OrTrigger([_trigger(minute, hour, day, month, "*"), _trigger(minute, hour, "*", month, named)])
    except ValueError as error:
        raise SettingsError(
            f"{setting} = {cron!r} ({error}): give minute, hour, day of the month, month and day of the week, such "
            "as '0 3 * * *' for three in the night, UTC"
        ) from error


def _trigger(minute: str, hour: str, day: str, month: str, weekday: str) -> BaseTrigger:
    return CronTrigger(minute=minute, hour=hour, day=day, month=month, day_of_week=weekday, timezone=UTC)


def _named(part: str) -> str:
    """A part of the field of weekdays with names in the place of numbers, in which both readings agree."""
    if part == "*" or (found := _NUMBERED.fullmatch(part)) is None:
        return part
    first, last, step = found.groups()
    if first is None:
        first, last = "0", "6"
    elif last is None:
        last = "6" if step else first
    days = range(int(first), int(last) + 1, int(step or 1))
    if not days:
        raise ValueError(f"{part} is an empty range of days")
    return ",".join(dict.fromkeys(_DAYS[day % len(_DAYS)] for day in days))
