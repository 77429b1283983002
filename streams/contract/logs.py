"""Logs: structlog for us, the standard library's logging for our libraries, one format and one mask for both.

Every string of every event is masked before it is rendered, tracebacks included: an exception may quote a message.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, TextIO

import structlog

from streams.contract.credentials import hide_all
from streams.contract.masking import mask_value

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

    from streams.contract.settings import LogSettings

# Made by us or by structlog itself, and never by a message.
_OWN_KEYS = frozenset({"timestamp", "level", "logger"})
# Libraries that tell at INFO what is DEBUG to us: each fetch, each heartbeat, each rebalance step.
_TALKATIVE = ("aiokafka", "faust", "kafka", "mode")
# It warns of each tenth of a second in which this process did not run, as on any busy machine.
_ALARMIST = ("kafka.net.selector",)
# They tell whole addresses, and the path of a webhook is its key.
_TELLTALE = ("httpx", "httpcore")


def configure_logging(settings: LogSettings, stream: TextIO | None = None) -> None:
    """Send every log line of this process, our libraries' too, through one format and one mask.

    Faust's worker must be told to leave logging alone (``override_logging=False``).

    Args:
        settings: Level and format.
        stream: Where to; standard error where absent.
    """
    target = stream or sys.stderr
    level = getattr(logging, settings.level.upper())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.StackInfoRenderer(),
                structlog.processors.format_exc_info,
                mask_event,
                _renderer(settings, target),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(level if level <= logging.DEBUG else max(level, logging.WARNING))
    for name in _ALARMIST:
        logging.getLogger(name).setLevel(level if level <= logging.DEBUG else logging.ERROR)
    for name in _TELLTALE:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        # Tests and commands configure again.
        cache_logger_on_first_use=False,
    )


def mask_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A structlog processor that masks personal data and secrets in addresses, wherever an event carries them."""
    return {key: value if key in _OWN_KEYS else mask_value(hide_all(value)) for key, value in event.items()}


def _renderer(settings: LogSettings, target: TextIO) -> Processor:
    if settings.format == "json":
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(
        colors=target.isatty(), exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
    )
