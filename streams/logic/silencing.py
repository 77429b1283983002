"""Silences: which of them mute an alert now, as Alertmanager's do; and reading them as a desk writes them.

Pure: no Kafka, no clock. Source of the rules: Alertmanager's ``pkg/labels`` (matchers) and ``silence`` packages.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from pydantic_core import SchemaError, SchemaValidator, core_schema

from streams.contract.alerts import SEVERITY_LABEL, Matcher

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from streams.contract.alerts import Silence

ALERT_LABELS = ("alertname", "domain", "subject", "subject_kind", "entity", "topic", SEVERITY_LABEL)
"""Every label that an alert can have. A silence of another one would mute nothing, or everything."""

_MATCHER = re.compile(r"\s*([A-Za-z_]\w*)\s*(=~|!~|!=|=)(.*)", re.ASCII | re.DOTALL)
_QUOTES = '"'


def silencers(silences: Iterable[Silence], labels: Mapping[str, str], now: datetime) -> list[str]:
    """Ids of the silences that mute an alert now, in order.

    Args:
        silences: All that are known, whether in force or not.
        labels: Labels of the alert.
        now: With a time zone.
    """
    return sorted(silence.id for silence in silences if is_in_force(silence, now) and mutes(silence, labels))


def is_in_force(silence: Silence, now: datetime) -> bool:
    """Whether a silence has begun and is not over."""
    return silence.startsAt <= now < silence.endsAt


def mutes(silence: Silence, labels: Mapping[str, str]) -> bool:
    """Whether all matchers of a silence match; a label that an alert does not have counts as empty.

    A silence with a regular expression that cannot be read mutes nothing.
    """
    try:
        return all(_matches(matcher, labels.get(matcher.name, "")) for matcher in silence.matchers)
    except SchemaError:
        return False


def parse_matcher(text: str) -> Matcher:
    """A matcher as a desk writes it: ``name=value``, ``name!=value``, ``name=~regex`` or ``name!~regex``.

    The value may stand in double quotes.

    Raises:
        ValueError: It is none, names a label that no alert has, or its regular expression cannot be read.
    """
    parsed = _MATCHER.fullmatch(text)
    if parsed is None:
        raise ValueError(f"{text!r} is no matcher: write label=value, label!=value, label=~regex or label!~regex")
    name, operator, value = parsed.group(1), parsed.group(2), parsed.group(3).strip()
    if name not in ALERT_LABELS:
        raise ValueError(f"{text!r}: no alert has a label {name}; there are {', '.join(ALERT_LABELS)}")
    if len(value) > 1 and value[0] == value[-1] == _QUOTES:
        value = value[1:-1]
    matcher = Matcher(name=name, value=value, isRegex="~" in operator, isEqual=operator in ("=", "=~"))
    if matcher.isRegex:
        _check_regex(value)
    return matcher


def check_matchers(matchers: Iterable[Matcher]) -> None:
    """Refuse what would mute everything.

    Raises:
        ValueError: Every matcher matches a label that is not there, so that no alert is told from another.
    """
    if all(_matches(matcher, "") for matcher in matchers):
        raise ValueError("this would mute every alert: at least one matcher must ask for a label's value")


def _matches(matcher: Matcher, value: str) -> bool:
    found = _anchored(matcher.value).isinstance_python(value) if matcher.isRegex else value == matcher.value
    return found is matcher.isEqual


def _check_regex(pattern: str) -> None:
    try:
        # By itself too, since "a)|(b" would be read within the anchors' brackets.
        _compile(pattern)
        _anchored(pattern)
    except SchemaError as error:
        raise ValueError(f"the regular expression {pattern!r} cannot be read: {str(error).splitlines()[-1]}") from error


@lru_cache(maxsize=256)
def _anchored(pattern: str) -> SchemaValidator:
    return _compile(f"^(?:{pattern})$")


def _compile(pattern: str) -> SchemaValidator:
    # Pydantic's engine is RE2's kin, as Alertmanager's is: its time is linear in the text, whatever a desk writes. One
    # bad pattern would hold Python's own, and with it the stream, for ever.
    return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
