"""``tocsin`` commands run in the test's own process."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import pytest
from support.processes import settings_env

from streams.cli.main import main

if TYPE_CHECKING:
    from streams.contract.settings import Settings


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, object]:
        """Standard output, if it is one JSON document."""
        return msgspec.json.decode(self.out, type=dict[str, object])


@dataclass(frozen=True, slots=True)
class Tocsin:
    """Runs ``tocsin`` with arguments, as if typed."""

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def under(self, settings: Settings) -> Tocsin:
        """Run under these settings from now on."""
        for name, value in settings_env(settings).items():
            self.monkeypatch.setenv(name, value)
        return self

    def __call__(self, *args: object) -> Outcome:
        """Run it to its end."""
        self.monkeypatch.setattr(sys, "argv", ["tocsin", *map(str, args)])
        self.monkeypatch.setenv("COLUMNS", "200")
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        captured = self.capsys.readouterr()
        code = ended.value.code
        return Outcome(code if isinstance(code, int) else int(code is not None), captured.out, captured.err)
