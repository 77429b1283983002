"""``tocsin topics acls`` prints the rights of each process, with the names of the settings in force."""

from __future__ import annotations

import json
import shlex

import pytest
from support.commands import Tocsin

from streams.contract.access import components
from streams.contract.settings import Settings


@pytest.fixture
def tocsin(clean_environment: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tocsin:
    monkeypatch.setenv("TOCSIN_KAFKA__GROUP_ID", "live group")
    monkeypatch.setenv("TOCSIN_TOPICS__PREFIX", "live.")
    return Tocsin(monkeypatch, capsys)


def test_commands_are_such_as_a_shell_reads(tocsin: Tocsin) -> None:
    outcome = tocsin("topics", "acls", "worker", "--principal", "User:CN=worker,O=a b")
    assert outcome.code == 0
    first, *lines = outcome.out.splitlines()
    assert first.startswith("# worker")
    for line in lines:
        words = shlex.split(line)
        assert words[0] == "kafka-acls.sh"
        assert words[words.index("--allow-principal") + 1] == "User:CN=worker,O=a b"
    assert "--operation Read --group 'live group'" in lines[-1]
    assert "--topic live.predictions" in outcome.out


def test_all_components_each_with_a_principal_of_its_own(tocsin: Tocsin) -> None:
    outcome = tocsin("topics", "acls", "--json")
    rows = [json.loads(line) for line in outcome.out.splitlines()]
    assert {row["principal"] for row in rows} == {f"User:tocsin-{one.name}" for one in components(Settings())}
    assert {"component": "admin", "operation": "Create"}.items() <= rows[-3].items()


def test_a_component_that_there_is_not_is_told(tocsin: Tocsin) -> None:
    outcome = tocsin("topics", "acls", "nobody")
    assert (outcome.code, "one of worker, connector" in outcome.err) == (2, True)
