"""A report as one web page that needs nothing beside it: no other file, no network, no script."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { border-bottom: 1px solid #ddd; padding: .2rem .7rem; text-align: right; font-variant-numeric: tabular-nums; }
th:first-child, td:first-child { text-align: left; }
th { border-bottom: 2px solid #999; }
img { max-width: 100%; }
h2 { margin-top: 2.5rem; }
"""


def to_page(markdown: str, plots: Iterable[Path]) -> str:
    """A report's Markdown as HTML, its pictures within.

    Args:
        markdown: The report; HTML in it is shown and not obeyed.
        plots: The pictures that it names, as PNG.
    """
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    for plot in plots:
        content = b64encode(plot.read_bytes()).decode()
        body = body.replace(f'src="{plot.name}"', f'src="data:image/png;base64,{content}"')
    title = markdown.partition("\n")[0].lstrip("# ")
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )
