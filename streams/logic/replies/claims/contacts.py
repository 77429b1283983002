"""Where a text sends people: links, e-mail addresses, handles, phone numbers, references."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from streams.contract.masking import find

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.logic.replies.claims.taking import Taking

_REST = r"[^\s<>\"'(){}\[\]]"
_ENDINGS = (
    "com|org|net|io|co|uk|de|fr|eu|info|biz|app|dev|bank|online|site|shop|store|xyz|top|club|link|click|me|ly|"
    "gl|gg|cc|tv|"
    "ru|cn|us|ca|au|nl|it|es|ie|ch|at|be|se|no|dk|pl|in|jp|example|test|page|web|live|pro|support|help|money|"
    "finance|vip|icu"
)
_SCHEME = re.compile(rf"\b(?:[a-z][a-z0-9+.-]{{1,15}}:/{{1,3}}|(?:mailto|tel|sms|javascript|data|whatsapp):){_REST}+")
_WWW = re.compile(rf"\bwww\s?\.\s?{_REST}+")
_ADDRESS = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
_HANDLE = re.compile(r"(?<![\w@])@\w{2,}")
# Capitals after the dot are the next sentence, but for well-known endings.
_DOMAIN = re.compile(rf"(?<![\w@.-])(?:[a-z0-9-]+\.)+(?:[a-z]{{2,24}})(?::\d+)?(?:/{_REST}*)?(?![\w-])")
_SPELLED = re.compile(rf"\b[a-z0-9-]+ ?[(\[]? ?(?:\bdot\b|\.) ?[)\]]? ?(?:{_ENDINGS})\b(?! \w+ed\b)")
_SPELLED_PLAIN = re.compile(rf"\b[a-z0-9-]+ (?:\. ?|\.? )(?:{_ENDINGS})\b")
_IP = re.compile(rf"\b\d{{1,3}}(?:\.\d{{1,3}}){{3}}(?::\d+)?(?:/{_REST}*)?")
_NO_DOMAIN = frozenset(("e.g", "i.e", "a.m", "p.m", "a.k", "p.a", "u.k", "u.s", "etc"))
_FILE = re.compile(r"\.(?:pdf|docx?|xlsx?|csv|txt|jpe?g|png|zip)\Z")
_ENDING = re.compile(_ENDINGS)
_OBVIOUS = frozenset(("com", "org", "net", "io", "xyz", "info", "biz", "ru", "cn"))
_TRAIL = ".,;:!?'\"-"
_RUN = re.compile(r"\+?\(?\d(?:[ ().\-/]{0,3}\d){6,}")
_CODE = re.compile(r"#\s?[a-z0-9][a-z0-9/-]*|(?<![\w.])(?=[\w/-]*\d)(?=[\w/-]*[a-z])\w[\w/-]*\w(?!\w)")
_DIGITS = re.compile(r"\D")
_LONGEST_PHONE = 15


def take_addresses(taking: Taking) -> None:
    """E-mail addresses, links, handles."""
    for match in taking.matches(_ADDRESS):
        taking.take("email", (match.group().rstrip(_TRAIL),), *match.span())
    for found in find(taking.left):
        if found.kind == "email":
            taking.take("email", (_squeezed(taking.low[found.start : found.end]),), found.start, found.end)
    for pattern, is_link in _LINKS:
        for match in taking.matches(pattern):
            if is_link is None or is_link(taking, match):
                taking.take("link", (_link(_squeezed(match.group())),), *match.span())


def take_runs(taking: Taking) -> None:
    """Phone numbers, and other long runs of digits."""
    for match in taking.matches(_RUN):
        digits = _DIGITS.sub("", match.group())
        kind = "phone" if len(digits) <= _LONGEST_PHONE else "reference"
        taking.take(kind, (digits,), *match.span())  # type: ignore[arg-type]


def take_codes(taking: Taking) -> None:
    """Product codes and references: letters and digits together, or a number after ``#``."""
    for match in taking.matches(_CODE):
        taking.take("reference", (match.group().lstrip("# "),), *match.span())


def _is_domain(taking: Taking, match: re.Match[str]) -> bool:
    host = match.group().rstrip(_TRAIL).partition("/")[0].partition(":")[0]
    if host in _NO_DOMAIN or _FILE.search(host) or host.replace(".", "").isdigit():
        return False
    last = taking.text[match.start() + host.rindex(".") + 1 :][:1] if "." in host else ""
    return "." in host and (not last.isupper() or _ENDING.fullmatch(host.rpartition(".")[2]) is not None)


def _is_spelled(_taking: Taking, match: re.Match[str]) -> bool:
    link = match.group()
    return "." not in link or "(" in link or "[" in link


def _is_spaced(taking: Taking, match: re.Match[str]) -> bool:
    link = match.group()
    return "." in link and taking.text[match.end() - 1].islower() and link.rpartition(" ")[2].lstrip(".") in _OBVIOUS


def _squeezed(text: str) -> str:
    text = re.sub(r"[(\[]?\s*\b(?:dot)\b\s*[)\]]?", ".", text)
    text = re.sub(r"[(\[]\s*at\s*[)\]]", "@", text)
    return re.sub(r"[\s()\[\]]", "", text)


def _link(link: str) -> str:
    link = re.sub(r"^h(?:tt|xx)ps?:/+|^www\.", "", link.rstrip(_TRAIL).replace(" ", ""))
    return link.removeprefix("www.").rstrip("/" + _TRAIL)


_LINKS: tuple[tuple[re.Pattern[str], Callable[[Taking, re.Match[str]], bool] | None], ...] = (
    (_SCHEME, None),
    (_WWW, None),
    (_IP, None),
    (_DOMAIN, _is_domain),
    (_SPELLED, _is_spelled),
    (_SPELLED_PLAIN, _is_spaced),
    (_HANDLE, None),
)
