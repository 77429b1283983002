"""The connector is not ready while no broker listens, which kafka-python's consumer waits for without a word."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, cast

import pytest
from prometheus_client import CollectorRegistry

from exporters.reply_metrics import WebhookMetrics
from streams.contract.settings import load_settings
from streams.worker import connector as module
from streams.worker.connector import Connector
from streams.worker.webhook import OUTCOMES

if TYPE_CHECKING:
    from streams.worker.webhook import Webhook


class Silent:
    """A consumer to which nothing comes."""

    host = "support.example"

    def partitions_for_topic(self, _: str) -> set[int]:
        return {0}

    def subscribe(self, _: list[str]) -> None:
        """Nothing comes of it."""

    def poll(self, **_: int) -> dict[object, object]:
        return {}


@pytest.mark.usefixtures("clean_environment")
def test_whether_a_broker_listens_is_told_while_nothing_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    silent, changes, seen = Silent(), [None, False, None, True, None], list[bool]()

    class Told:
        def __init__(self, _: object) -> None:
            """Of no broker."""

        def change(self) -> bool | None:
            return changes.pop(0)

    def stopped() -> bool:
        seen.append(posting.is_following)
        return not changes

    monkeypatch.setattr(module, "consumer", lambda *_, **__: nullcontext(silent))
    monkeypatch.setattr(module, "producer", lambda *_, **__: nullcontext(silent))
    monkeypatch.setattr(module, "Presence", Told)
    metrics = WebhookMetrics(CollectorRegistry(), OUTCOMES)
    posting = Connector(load_settings(), cast("Webhook", silent), metrics, stopped)
    posting.run()
    # Before the topic is looked for and found; then once for each poll.
    assert seen[:2] == [False, False]
    assert seen[2:8] == [True, True, False, False, True, True]
