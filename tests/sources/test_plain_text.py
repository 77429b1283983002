from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.sources.plain_text import strip_html


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("Plain words", "Plain words"),
        ("<p>Rates <b>held</b>.</p><p>Pound falls</p>", "Rates held. Pound falls"),
        ("one<br/>two<li>three", "one two three"),
        ("AT&amp;T &lt;up&gt; 5&nbsp;%", "AT&T <up> 5 %"),
        ("a<script>alert('x')</script>b<style>p{}</style>c", "abc"),
        ('<img src="x" onerror="y"><a href="z">link</a>', "link"),
        ("5 < 6 and 7 > 3", "5 < 6 and 7 > 3"),
        ("  spread \n over\tlines ", "spread over lines"),
        ("a <![foo[bar]]> b", "a b"),
        ("odds <![1/2 and more", "odds <![1/2 and more"),
        ("one<![if !supportLists]>two<![endif]>", "onetwo"),
    ],
)
def test_only_what_a_reader_reads_is_left(html: str, text: str) -> None:
    assert strip_html(html) == text


@given(st.text(st.sampled_from("ab <>/&;!-'\"=#[]script"), max_size=80))
def test_no_markup_however_broken_is_an_error(html: str) -> None:
    strip_html(html)
