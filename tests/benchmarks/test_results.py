import json
import sys
from pathlib import Path

import pytest

from benchmarks.support.report import update_page
from benchmarks.support.results import ROOT, write_result


def test_a_result_tells_how_it_came_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [str(ROOT / "benchmarks" / "some.py"), "--flag", "two words"])
    result = json.loads(write_result("some", {"per_second": 1.5}, folder=tmp_path).read_text())
    assert result["command"] == "python benchmarks/some.py --flag 'two words'"
    assert result["figures"] == {"per_second": 1.5}
    assert result["machine"]["physical_cores"] >= 1
    assert result["machine"]["memory_bytes"] > 0
    assert {"onnxruntime", "faust-streaming", "aiokafka"} <= result["versions"].keys()
    assert str(ROOT) not in json.dumps(result)


def test_tables_go_between_the_marks_and_nowhere_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    marks = "<!-- throughput: begin (made by benchmarks/throughput.py) -->", "<!-- throughput: end -->"
    page.write_text(f"before\n{marks[0]}\nold\n{marks[1]}\nafter\n")
    for _ in range(2):
        update_page(page, "| new |\n")
    assert page.read_text() == f"before\n{marks[0]}\n\n| new |\n\n{marks[1]}\nafter\n"


def test_a_page_without_marks_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("no marks")
    with pytest.raises(ValueError, match="must hold"):
        update_page(page, "| new |")
    assert page.read_text() == "no marks"
