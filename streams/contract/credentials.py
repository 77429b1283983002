"""Keeping what is secret in an address from whoever reads a log, an error or a listing."""

from __future__ import annotations

import re
from typing import Any

HIDDEN = "********"

# User and password, up to the last @ before the path: a password may hold one that was not escaped.
_USERINFO = re.compile(r"(?<=://)[^/\s?#\"'<>\\]+(?=@)")
# The same where a library has taken the scheme away, as of a bucket's path; told by the port or the path behind it. No
# longer than this, else a long text of nothing but colons would take minutes.
_BARE_USERINFO = re.compile(
    r"(?<![\w@:/.+-])[\w.+-]{1,256}:[^\s/@\"'<>\\()]{1,512}(?=@[\w.-]{1,255}(?::\d{1,5}(?!\w)|/))"
)
# Values of a query that are keys by their names, as in presigned addresses and webhooks.
_QUERY = re.compile(
    r"(?<=[?&])((?:[\w.-]*(?:token|secret|password|passwd|signature|credential|api[_-]?key)|sig|key)=)[^&\s#\"'<>\\]+",
    re.IGNORECASE,
)

# What a library tells of its own configuration.
_ASSIGNED = re.compile(r"((?:password|passwd|secret)\w{0,64}['\"]?\s*[:=]\s*['\"])[^'\"]+", re.IGNORECASE)


class Unshown(str):
    """A secret for a library, which may print its configuration: the text to whoever uses it, stars in a repr."""

    __slots__ = ()

    def __repr__(self) -> str:
        return HIDDEN


def hide_credentials(text: str) -> str:
    """The text with user, password and keys of every address hidden, and what is assigned to a password."""
    text = _ASSIGNED.sub(rf"\1{HIDDEN}", text)
    if "://" not in text:
        return _BARE_USERINFO.sub(HIDDEN, text) if "@" in text else text
    return _QUERY.sub(rf"\1{HIDDEN}", _BARE_USERINFO.sub(HIDDEN, _USERINFO.sub(HIDDEN, text)))


def hide_all(value: Any) -> Any:  # noqa: ANN401  whatever a log event or a settings value holds
    """A value with the credentials in every text within it hidden."""
    if isinstance(value, str):
        return hide_credentials(value)
    if isinstance(value, dict):
        return {hide_all(name): hide_all(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [hide_all(item) for item in value]
    # A path, an exception, an address: whatever is going to be written as its text.
    return value if isinstance(value, bool | int | float | bytes | None) else hide_credentials(str(value))
