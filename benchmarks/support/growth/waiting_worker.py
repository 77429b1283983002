"""A whole worker whose model waits for as long as it would compute, so that many of them fit on few cores.

All else is as it is: the worker's own composition, with another encoder put in where the command line loads one.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

from models.registry import Registry
from models.runtime import Encoder
from streams.contract.domain import load_domain
from streams.contract.logs import configure_logging
from streams.contract.settings import load_settings
from streams.worker.memory import return_what_is_freed
from streams.worker.run import run_worker
from streams.worker.serving import Serving

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.readings import Reading

_TEXT = "The bank has opened a new branch."


class WaitingEncoder(Encoder):
    """Reads the same in every text, after a wait."""

    seconds_per_text = 0.0
    _reading: Reading | None = None

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """One reading, without entities, for each text."""
        if self._reading is None:
            # Of another text: an entity's place in it is none in those that come.
            self._reading = super().read([_TEXT])[0]
            self._reading.entities.clear()
        time.sleep(self.seconds_per_text * len(texts))
        return [self._reading] * len(texts)


def main() -> None:
    """Serve until stopped, as ``tocsin worker`` does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds-per-text", type=float, required=True)
    given = parser.parse_args()
    settings = load_settings()
    configure_logging(settings.log)
    return_what_is_freed()
    model = settings.model
    _, encoder = Registry(model.registry).resolve_and_load(
        model.name,
        model.alias,
        model.cache,
        lambda folder: WaitingEncoder.load(folder, threads=model.threads, sub_batch=model.sub_batch),
    )
    encoder.read([_TEXT])
    encoder.seconds_per_text = given.seconds_per_text
    serving = Serving(encoder)
    del encoder
    sys.exit(run_worker(settings, serving, load_domain(settings.domain), on_url=_tell_address))


def _tell_address(url: str) -> None:
    sys.stderr.write(f"metrics: {url}/metrics\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
