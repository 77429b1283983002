"""Pages of a site are read without what stands on every one of them."""

from __future__ import annotations

from support.answer_files import documents_of, maker

from streams.sources.answers.html import read_html

PAGE = """<!doctype html><html lang="en-GB"><head><title>Fees | Larkmoor</title><style>p {}</style></head><body>
<header><a href="/">Home</a></header><nav>Menu</nav><div role="banner">Cookies?</div>
<main><header><h1>Our  fees</h1><p>From March.</p></header>
<p>All <b>fees</b> in
one.<br>Really.</p><form><label>Search</label></form>
<h2>How much is a card?</h2><p>It is free.</p><ol><li>Open <em>Cards</em></li><li>Order<ul><li>debit</li></ul></li></ol>
<h2>Abroad</h2><table><tr><th>What</th><th>Fee</th></tr><tr><td>Card</td><td>2.75%</td></tr></table>
<details><summary>Can I pay in euros?</summary>Yes.</details><aside>See also</aside><script>x = "<p>no</p>"</script>
</main><footer>Imprint</footer></body></html>"""


def test_questions_and_pages_come_out_of_the_main_part_alone() -> None:
    card, euros, page = documents_of(read_html(PAGE, maker("fees.html")))
    assert (card.question, card.text) == ("How much is a card?", "It is free.\n\n1. Open Cards\n2. Order\n- debit")
    assert (card.title, card.language) == ("Our fees", "en-GB")
    assert (euros.question, euros.text) == ("Can I pay in euros?", "Yes.")
    assert (page.title, page.question) == ("Our fees", None)
    assert page.text == "From March.\n\nAll fees in one.\nReally.\n\n## Abroad\n\nWhat | Fee\nCard | 2.75%"


def test_a_page_without_a_main_part_or_headings_is_read_whole_under_its_title() -> None:
    (page,) = documents_of(read_html("<title>Hours</title><p>9 to 5.</p><nav>Menu</nav><p>Daily.</p>", maker()))
    assert (page.title, page.text) == ("Hours", "9 to 5.\n\nDaily.")


def test_a_list_of_definitions_gives_questions() -> None:
    text = "<dl><dt>Is it free?</dt><dd>Yes.</dd><dt>For all?</dt><dd>For all.</dd></dl>"
    assert [(one.question, one.text) for one in documents_of(read_html(text, maker()))] == [
        ("Is it free?", "Yes."),
        ("For all?", "For all."),
    ]


def test_what_holds_no_text_gives_nothing() -> None:
    for text in ("", "<nav>Menu</nav>", "<html><body><h1>Only a heading</h1></body></html>"):
        assert documents_of(read_html(text, maker())) == []
