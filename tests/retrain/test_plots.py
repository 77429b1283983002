"""Pictures and the page: they are written alike each time, and obey nothing that a name says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from models.markdown import plain, table
from retrain.calibration import calibration
from retrain.evaluate import Confusion
from retrain.page import to_page
from retrain.plots import confusion_plot, reliability_plot

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.train

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("labels", [1, 3, 77])
def test_a_confusion_matrix_is_drawn_whatever_its_size(tmp_path: Path, labels: int) -> None:
    names = [f"label_{number}" for number in range(labels)]
    confusion = Confusion(names, np.eye(labels, dtype=int).tolist())
    for name in ("one.png", "two.png"):
        confusion_plot(tmp_path / name, "Confusion", confusion)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert (tmp_path / "one.png").read_bytes().startswith(PNG)


@pytest.mark.parametrize("answers", [0, 1, 400])
def test_reliability_is_drawn_whatever_was_answered(tmp_path: Path, answers: int) -> None:
    random = np.random.default_rng(1)
    measured = calibration(random.random(answers), random.random(answers) < 0.5)
    reliability_plot(tmp_path / "r.png", "Reliability", {"topic": measured, "sentiment": measured})
    assert (tmp_path / "r.png").read_bytes().startswith(PNG)


def test_the_page_holds_its_pictures_and_needs_nothing_else(tmp_path: Path) -> None:
    plot = tmp_path / "r.png"
    plot.write_bytes(PNG)
    page = to_page("# Title & more\n\n![r](r.png)\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n", [plot])
    assert "<title>Title &amp; more</title>" in page
    assert 'src="data:image/png;base64,' in page
    assert "<td>2</td>" in page
    assert "http" not in page
    assert "<script" not in page


@pytest.mark.parametrize(
    "name",
    [
        "![x](http://example.org/x.png)",
        "<script>alert(1)</script>",
        "[x](http://example.org)",
        "a|b",
        "a\n# b",
        "`a` & b",
    ],
)
def test_a_source_is_named_and_not_obeyed(name: str) -> None:
    lines = table(("slice", "rows"), [(f"source={name}", 1)])
    page = to_page("\n".join(lines), [])
    body = page.partition("<tbody>")[2]
    assert body.count("<td") == 2
    assert not [tag for tag in ("<img", "<a ", "<script", "<h1", "<code") if tag in body]


def test_plain_text_is_read_as_it_was() -> None:
    assert plain("central_banks  and\nmore") == "central_banks and more"
