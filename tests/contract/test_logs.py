"""One format and one mask for our logs and our libraries'."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest
import structlog

from streams.contract.logs import configure_logging
from streams.contract.settings import LogSettings


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def configured(level: str = "info", form: str = "json") -> io.StringIO:
    stream = io.StringIO()
    configure_logging(LogSettings.model_validate({"level": level, "format": form}), stream)
    return stream


def test_every_string_of_an_event_is_masked() -> None:
    stream = configured()
    structlog.get_logger("streams.x").info("from jane@example.com", to=["+44 20 7946 0958"], offset=4111111111111111)
    (line,) = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "from [email]",
        "to": ["[phone]"],
        "offset": 4111111111111111,
        "level": "info",
        "logger": "streams.x",
    }


def test_a_traceback_is_masked() -> None:
    stream = configured()
    try:
        int("jane@example.com")
    except ValueError:
        structlog.get_logger("streams.x").exception("failed")
    assert "jane@example.com" not in stream.getvalue()
    assert "ValueError: invalid literal for int() with base 10: '[email]'" in lines(stream)[0]["exception"]


@pytest.mark.parametrize("name", ["streams.x", "kafka.conn", "aiokafka.consumer", "faust.worker"])
def test_the_standard_librarys_loggers_come_through_masked(name: str) -> None:
    stream = configured()
    logging.getLogger(name).warning("sent to %s", "jane@example.com")
    (line,) = lines(stream)
    assert (line["event"], line["level"], line["logger"]) == ("sent to [email]", "warning", name)


def test_libraries_tell_no_details_unless_debug_is_asked() -> None:
    stream = configured("info")
    logging.getLogger("kafka.conn").info("connected")
    assert stream.getvalue() == ""
    stream = configured("debug")
    logging.getLogger("kafka.conn").info("connected")
    assert [line["event"] for line in lines(stream)] == ["connected"]


def test_what_is_below_the_level_is_not_shown() -> None:
    stream = configured("warning")
    structlog.get_logger("streams.x").info("not shown")
    structlog.get_logger("streams.x").warning("shown")
    assert [line["event"] for line in lines(stream)] == ["shown"]


def test_the_console_format_is_for_people_and_masked() -> None:
    stream = configured(form="console")
    structlog.get_logger("streams.x").info("worker started", mail="jane@example.com", model="encoder:1")
    text = stream.getvalue()
    assert "worker started [streams.x] mail=[email] model=encoder:1" in text
    assert "\x1b[" not in text


def test_configuring_again_leaves_one_handler(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(LogSettings(format="json"))
    configure_logging(LogSettings(format="json"))
    structlog.get_logger("streams.x").info("once")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert [json.loads(line)["event"] for line in captured.err.splitlines()] == ["once"]
