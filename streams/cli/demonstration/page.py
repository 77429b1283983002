"""The desk's page during the play."""

from __future__ import annotations

from contextlib import ExitStack

from streams.cli import common
from streams.cli.demonstration.steps import step_of
from streams.cli.desk_page import serve_desk
from streams.contract.service_settings import DeskSettings
from streams.contract.settings import Settings

# Proposed to who opens the page, and changed there.
_SPEAKER = "demo"


def open_page(settings: Settings, stack: ExitStack) -> None:
    """Serve the desk's page, where what it needs is installed, until the stack is left.

    Args:
        settings: Of the play; nothing of the user's own desk.
        stack: What runs for the play.
    """
    with step_of("Opening the desk's page") as step:
        try:
            # The address is printed with the token in it, which must not be one that opens the user's desk.
            desk = DeskSettings(port=0)
            server = stack.enter_context(serve_desk(settings.model_copy(update={"desk": desk}), _SPEAKER))
        except common.CommandError as error:
            step.done = f"No page for the desk: {error}"
        else:
            step.done = f"The desk's page, while this runs: {server.address}"
