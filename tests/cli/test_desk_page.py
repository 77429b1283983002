"""`tocsin desk` as a process."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import httpx
import pytest
from support.commands import Tocsin
from support.processes import run_tocsin, settings_env, wait_for

if TYPE_CHECKING:
    from support.processes import TocsinProcess

    from streams.brokers.tansu import TansuBroker
    from streams.contract.settings import Settings


@pytest.fixture
def broker(tansu_broker: TansuBroker) -> TansuBroker:
    """What the command does is the same on every broker."""
    return tansu_broker


def address(process: TocsinProcess) -> tuple[str, str]:
    """Where the page is, and its token."""
    found = wait_for(
        lambda: re.search(r"^desk: (http://127\.0\.0\.1:\d+/)#token=(\S+)$", process.stderr, re.MULTILINE),
        what="for the desk to tell its address",
    )
    return found[1], found[2]


@pytest.mark.integration
def test_it_serves_the_page_until_it_is_stopped(stream_settings: Settings) -> None:
    with run_tocsin(["desk", "--port", "0", "--by", "ann"], settings_env(stream_settings)) as process:
        url, token = address(process)
        assert "<title>Tocsin desk</title>" in httpx.get(url).text
        with httpx.stream("GET", f"{url}api/events", headers={"Authorization": f"Bearer {token}"}) as events:
            lines = events.iter_lines()
            assert next(line for line in lines if line.startswith("event:")) == "event: snapshot"
            assert '"speaker":"ann"' in next(line for line in lines if line.startswith("data:"))
            # An open page does not keep it.
            assert process.terminate(15) == 0


def test_it_starts_before_its_broker_and_says_what_is_missing(unused_port_settings: dict[str, str]) -> None:
    with run_tocsin(["desk", "--port", "0"], unused_port_settings) as process:
        url, token = address(process)
        with httpx.stream("GET", f"{url}api/events", headers={"Authorization": f"Bearer {token}"}) as events:
            told = (line for line in events.iter_lines() if "no broker lets us in" in line)
            assert "`tocsin broker`" in next(told)


@pytest.fixture
def unused_port_settings(clean_environment: None) -> dict[str, str]:
    return {"TOCSIN_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:9"}


@pytest.fixture
def tocsin(clean_environment: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tocsin:
    return Tocsin(monkeypatch, capsys)


def test_without_its_extra_it_says_how_to_get_it(tocsin: Tocsin, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("streams.desk.server", "streams.desk.listening"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    outcome = tocsin("desk")
    assert outcome.code == 1
    assert "uvicorn is not installed: the page needs `pip install 'tocsin[desk]'`" in " ".join(outcome.err.split())


def test_other_hosts_need_a_token(tocsin: Tocsin) -> None:
    outcome = tocsin("desk", "--host", "0.0.0.0", "--port", "0")  # noqa: S104  refused
    assert outcome.code == 1
    assert "desk.token" in outcome.err
