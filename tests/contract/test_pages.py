"""The pages of documentation find one another: no link leads nowhere, and each page is in the index."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted({*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "domains/README.md"})

_LINK = re.compile(r"\]\(([^)\s#]+)(?:#([^)\s]*))?\)")
_CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`[^`\n]*`")


def links(page: Path) -> list[tuple[str, str]]:
    """Target and anchor of each link that stays within the project."""
    text = _INLINE.sub("", _CODE.sub("", page.read_text(encoding="utf-8")))
    return [(target, anchor) for target, anchor in _LINK.findall(text) if "://" not in target and ":" not in target]


def anchors(page: Path) -> set[str]:
    """Names of a page's headings, as forges make them."""
    headings = re.findall(r"^#+ (.*)$", _CODE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_link_leads_nowhere(page: Path) -> None:
    for target, anchor in links(page):
        found = (page.parent / target).resolve()
        assert found.exists(), f"{page.name} links to {target}"
        if anchor and found.suffix == ".md":
            assert anchor in anchors(found), f"{page.name} links to {target}#{anchor}"


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_each_page_is_in_the_index(page: Path) -> None:
    index = {target for target, _ in links(DOCS / "README.md")}
    assert page.name in index | {"README.md"}


@pytest.mark.parametrize("page", sorted((DOCS / "adr").glob("*.md")), ids=lambda page: page.stem)
def test_each_decision_is_in_the_architecture(page: Path) -> None:
    assert f"adr/{page.name}" in {target for target, _ in links(DOCS / "architecture.md")}
