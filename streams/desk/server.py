"""The desk's page on a port of this machine, in a thread, until closed."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from streams.brokers.writing import Writer
from streams.contract.domain import load_domain
from streams.contract.records import SENTIMENTS
from streams.contract.topics import kept_in_place
from streams.desk.actions.office import Office
from streams.desk.actions.table import all_actions
from streams.desk.app import DeskApp
from streams.desk.listening import Serving, listen
from streams.desk.live import Live
from streams.desk.security import Guard
from streams.desk.versions import Versions
from streams.desk.view.view import View

if TYPE_CHECKING:
    from streams.contract.domain import Domain
    from streams.contract.settings import Settings
    from streams.desk.ports import Retraining

STATIC = Path(__file__).parent / "static"


class DeskServer:
    """Serves the page. A context manager: within, it follows the topics and answers.

    Args:
        settings: Address, token, brokers, topics, domain.
        retraining: What the desk needs of retraining.
        speaker: Name that the page proposes to who has given none.

    Raises:
        SettingsError: It is to listen to other hosts without a token.
        OSError: The address is taken; the message names the setting.
        DomainError: The domain cannot be read.
    """

    def __init__(self, settings: Settings, retraining: Retraining, speaker: str) -> None:
        desk, domain = settings.desk, load_domain(settings.domain)
        listener = listen(desk.host, desk.port)
        try:
            self.port: int = listener.getsockname()[1]
            self.guard = Guard(desk, self.port)
        except BaseException:
            listener.close()
            raise
        self._host = desk.host
        make_view = partial(View, settings.model.name, desk.keep, retraining.in_turn)
        self.live = Live(settings, make_view, about(settings, domain, speaker))
        self._writer = Writer(settings.kafka, kept_in_place(settings))
        office = Office(settings, domain, self.live, self._writer, lambda: datetime.now(UTC))
        versions = Versions(settings, retraining.decision)
        actions = all_actions(office, retraining)
        app = DeskApp(self.guard, self.live, actions, versions, retraining, STATIC)
        self._serving = Serving(app.asgi(), listener)
        self._stack = ExitStack()

    @property
    def url(self) -> str:
        """Address of the page, without the token."""
        host = "127.0.0.1" if self._host in ("0.0.0.0", "::") else self._host  # noqa: S104  compared, not listened on
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/"

    @property
    def address(self) -> str:
        """Address that opens the page: the token stands where no server and no log sees it.

        Where each person has a token of their own, none stands there.
        """
        shared = self.guard.shared
        return self.url if shared is None else f"{self.url}#token={shared.token}"

    def __enter__(self) -> Self:
        # Left in the other order: the streams of events end first, so that the server need not wait for them.
        self._stack.callback(self._writer.close)
        self._stack.enter_context(self._serving)
        self._stack.enter_context(self.live)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def about(settings: Settings, domain: Domain, speaker: str) -> dict[str, Any]:
    """What a page is told of the desk beside what happens."""
    return {
        "domain": domain.title,
        "topics": [{"name": label.name, "title": label.title} for label in domain.topics],
        "topic_mode": domain.topic_mode,
        "intents": [{"name": label.name, "title": label.title} for label in domain.intents],
        "sentiments": list(SENTIMENTS),
        "model": settings.model.name,
        "min_new_labels": settings.retrain.min_new_labels,
        "cron": settings.retrain.cron,
        "window_seconds": settings.surge.window_seconds,
        "brokers": settings.kafka.bootstrap_servers,
        "speaker": speaker,
    }
