"""How a desk steers surge detection while it runs: silences, the watchlist, and verdicts on alerts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from streams.contract.alerts import Silence, Verdict, Watch
from streams.contract.decoding import JsonDecoder
from streams.contract.topics import silences_topic, verdicts_topic, watchlist_topic
from streams.logic.silencing import silencers
from streams.worker.controls import Controls

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streams.contract.settings import Settings


class Steering:
    """What the desk has said up to now; any thread may ask.

    Args:
        settings: Where the brokers are, and the names of topics.
    """

    def __init__(self, settings: Settings) -> None:
        self._timeout = settings.kafka.request_timeout_seconds
        self._controls = Controls(settings.kafka)
        self._silences = self._controls.follow(silences_topic(settings.topics), JsonDecoder(Silence).decode)
        self._watches = self._controls.follow(watchlist_topic(settings.topics), JsonDecoder(Watch).decode)
        self._verdicts = self._controls.follow(verdicts_topic(settings.topics), JsonDecoder(Verdict).decode)

    def start(self) -> None:
        """Read what was said, and follow what is said from now on.

        Raises:
            BrokerUnreachableError: That takes longer than ``kafka.request_timeout_seconds``.
        """
        self._controls.start()
        self._controls.wait_until_caught_up(self._timeout)

    def close(self) -> None:
        """Follow no more."""
        self._controls.close()

    def silenced_by(self, labels: Mapping[str, str]) -> list[str]:
        """Ids of the silences that mute an alert of these labels at this moment."""
        return silencers(self._silences.latest.values(), labels, datetime.now(UTC))

    @property
    def watched(self) -> Mapping[str, Watch]:
        """The watchlist, by subject; another mapping whenever it changes."""
        return self._watches.latest

    @property
    def verdicts(self) -> Mapping[str, Verdict]:
        """Every verdict, by its key; another mapping whenever one comes."""
        return self._verdicts.latest
