"""What the pusher tells is what the real Alertmanager, under the configuration that ships, holds for true."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from support.alertmanager import CONFIG, Alertmanager, amtool
from support.alerts import make_alert

from streams.contract.settings import AlertmanagerSettings
from streams.worker.alertmanager import AlertmanagerPusher

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from streams.contract.alerts import Alert, Level, Status
    from streams.worker.alertmanager import Outcome

pytestmark = pytest.mark.integration

RESEND = 1.0
ENTITY, WITHIN, TOPIC = "entity/larkmoor", "entity/larkmoor/topic/fraud", "topic/fraud"


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[Alertmanager]:
    with Alertmanager(tmp_path / "alertmanager") as running:
        yield running


def surge(subject: str = ENTITY, level: Level = "yellow", status: Status = "firing", **changes: object) -> Alert:
    """A surge that began some minutes ago."""
    starts = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=10)
    now = datetime.now(UTC)
    ends = {"endsAt": now} if status == "resolved" else {}
    return make_alert(subject, level, status, starts=starts, **{"time": now, **ends, **changes})


@asynccontextmanager
async def pushing(
    alertmanager: Alertmanager,
    *,
    is_silenced: Callable[[object], bool] = lambda _: False,
    outcomes: list[Outcome] | None = None,
) -> AsyncIterator[AlertmanagerPusher]:
    settings = AlertmanagerSettings(url=alertmanager.url, resend_seconds=RESEND)
    on_push = [].append if outcomes is None else outcomes.append
    pusher = AlertmanagerPusher(settings, is_silenced=is_silenced, on_push=on_push)
    pusher.start()
    try:
        yield pusher
    finally:
        await pusher.stop()


async def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110  another process does not tell
            await asyncio.sleep(0.05)


def test_a_surge_is_read_back_as_it_was_told(alertmanager: Alertmanager) -> None:
    alert = surge(generatorURL="https://desk.example/trends?subject=entity/larkmoor bank")

    async def main() -> None:
        async with pushing(alertmanager) as pusher:
            pusher.tell(alert)
            await until(alertmanager.alerts)

    asyncio.run(main())
    (held,) = alertmanager.alerts()
    assert held["labels"] == alert.labels
    assert held["annotations"] == {
        **alert.annotations,
        "evidence": "wire (negative 0.97, 3 copies): Larkmoor halts withdrawals, [email] says",
    }
    assert held["generatorURL"] == "https://desk.example/trends?subject=entity/larkmoor%20bank"
    assert datetime.fromisoformat(held["startsAt"]) == alert.startsAt
    assert held["status"]["state"] in ("active", "unprocessed")
    assert [receiver["name"] for receiver in held["receivers"]] == ["desk"]


def test_what_fires_is_told_again_and_is_over_when_nobody_tells_it_any_more(alertmanager: Alertmanager) -> None:
    async def main() -> None:
        async with pushing(alertmanager) as pusher:
            pusher.tell(surge())
            await until(alertmanager.alerts)
            told = alertmanager.alerts()[0]["updatedAt"]
            await until(lambda: alertmanager.alerts()[0]["updatedAt"] > told)
        await until(lambda: not alertmanager.alerts())

    asyncio.run(main())


def test_a_level_that_rises_leaves_one_alert_and_its_end_none(alertmanager: Alertmanager) -> None:
    async def main() -> None:
        async with pushing(alertmanager) as pusher:
            pusher.tell(surge())
            await until(lambda: alertmanager.firing() == [(ENTITY, "yellow")])
            pusher.tell(surge(level="red"))
            await until(lambda: alertmanager.firing() == [(ENTITY, "red")])
            (held,) = alertmanager.alerts()
            assert [receiver["name"] for receiver in held["receivers"]] == ["desk-urgent"]
            pusher.tell(surge(level="red", status="resolved"))
            await until(lambda: not alertmanager.firing())
            # Nor does telling of the end again bring it back.
            await asyncio.sleep(2 * RESEND)
            assert not alertmanager.firing()

    asyncio.run(main())


def test_a_company_speaks_for_its_topics_unless_one_is_stronger(alertmanager: Alertmanager) -> None:
    outage = "entity/larkmoor/topic/outage"
    of_volume = surge(WITHIN, labels={**surge(WITHIN).labels, "alertname": "VolumeSurge"}, fingerprint="volume")
    others = [surge(TOPIC), surge("entity/quay ferries/topic/fraud"), of_volume]

    async def main() -> None:
        async with pushing(alertmanager) as pusher:
            for alert in (surge(level="orange"), surge(WITHIN), surge(outage, "red"), *others):
                pusher.tell(alert)
            await until(lambda: len(alertmanager.firing()) == 6)
            # What is muted is found out after what fires is held.
            await until(lambda: alertmanager.inhibited() == [(WITHIN, "yellow")])
            # Once the company is calm, its topic speaks for itself.
            pusher.tell(surge(level="orange", status="resolved"))
            await until(lambda: not alertmanager.inhibited())

    asyncio.run(main())


def test_a_stronger_level_speaks_for_a_weaker_one(alertmanager: Alertmanager) -> None:
    async def main() -> None:
        async with pushing(alertmanager) as one, pushing(alertmanager) as another:
            one.tell(surge())
            another.tell(surge(level="red"))
            await until(lambda: len(alertmanager.firing()) == 2)
            await until(lambda: alertmanager.inhibited() == [(ENTITY, "yellow")])

    asyncio.run(main())


def test_what_is_silenced_is_pushed_once_the_silence_is_over(alertmanager: Alertmanager) -> None:
    silenced = {ENTITY}

    async def main() -> None:
        async with pushing(alertmanager, is_silenced=lambda labels: labels["subject"] in silenced) as pusher:
            pusher.tell(surge())
            pusher.tell(surge(TOPIC))
            pusher.tell(surge(WITHIN, past=True))
            await until(alertmanager.firing)
            assert alertmanager.firing() == [(TOPIC, "yellow")]
            silenced.clear()
            await until(lambda: alertmanager.firing() == [(ENTITY, "yellow"), (TOPIC, "yellow")])

    asyncio.run(main())


def test_a_restart_goes_on_with_the_same_alert(alertmanager: Alertmanager) -> None:
    alert = surge()

    async def main() -> None:
        async with pushing(alertmanager) as pusher:
            pusher.tell(alert)
            await until(alertmanager.alerts)
        (before,) = alertmanager.alerts()
        async with pushing(alertmanager) as pusher:
            pusher.restore([alert])
            await until(lambda: alertmanager.alerts()[0]["updatedAt"] > before["updatedAt"])
            (after,) = alertmanager.alerts()
            assert after["fingerprint"] == before["fingerprint"]
            pusher.tell(surge(status="resolved"))
            await until(lambda: not alertmanager.alerts())

    asyncio.run(main())


def test_an_alertmanager_that_is_away_delays_nobody_and_is_told_when_it_is_back(alertmanager: Alertmanager) -> None:
    outcomes: list[Outcome] = []
    alertmanager.stop()

    async def main() -> None:
        async with pushing(alertmanager, outcomes=outcomes) as pusher:
            for number in range(1000):  # with no await between, nothing could be waited for
                pusher.tell(surge(f"entity/company {number % 10}"))
            assert len(pusher._outbox) == 10
            await until(lambda: outcomes.count("failed") > 1)
            await asyncio.to_thread(alertmanager.start)
            await until(lambda: len(alertmanager.firing()) == 10)

    asyncio.run(main())
    assert "ok" in outcomes


@pytest.mark.parametrize("count", [1, 3])
def test_an_alert_that_is_refused_keeps_no_other_from_being_heard(alertmanager: Alertmanager, count: int) -> None:
    outcomes: list[Outcome] = []
    wrong = surge(TOPIC, annotations={}, labels={**surge(TOPIC).labels, "no-label": "x"})

    async def main() -> None:
        async with pushing(alertmanager, outcomes=outcomes) as pusher:
            pusher.tell(wrong)
            for number in range(count):
                pusher.tell(surge(f"entity/company {number}"))
            await until(lambda: len(alertmanager.firing()) == count)
            await until(lambda: "refused" in outcomes)

    asyncio.run(main())
    assert "ok" in outcomes
    assert "failed" not in outcomes


def test_the_configuration_that_ships_is_right() -> None:
    checked = amtool("check-config", CONFIG)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_so_are_the_receivers_that_a_user_may_uncomment(tmp_path: Path) -> None:
    routing, receivers = CONFIG.read_text(encoding="utf-8").split("\nreceivers:\n")
    file = tmp_path / "alertmanager.yml"
    file.write_text(f"{routing}\nreceivers:\n{receivers.replace('    # ', '    ')}", encoding="utf-8")
    assert "\n    slack_configs:\n" in file.read_text(encoding="utf-8")
    checked = amtool("check-config", file)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["subject=entity/larkmoor", "severity=orange"], "desk"),
        (["subject=topic/fraud", "severity=red"], "desk-urgent"),
        (["alertname=LagGrows", "severity=red"], "operators"),
    ],
)
def test_alerts_go_to_whom_they_concern(labels: list[str], receiver: str) -> None:
    routed = amtool("config", "routes", "test", f"--config.file={CONFIG}", f"--verify.receivers={receiver}", *labels)
    assert routed.returncode == 0, routed.stdout + routed.stderr
