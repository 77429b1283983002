"""What can go wrong with a broker, told so that a person can mend it."""

from __future__ import annotations


class BrokerError(RuntimeError):
    """A broker cannot be started, reached or used; the message says why and what to do."""


class BrokerUnreachableError(BrokerError):
    """No broker answers at the address in the settings."""


class BrokerRefusesError(BrokerUnreachableError):
    """A broker is there and does not let us in, or is not trusted: to try again changes nothing."""


class TopicError(BrokerError):
    """A topic cannot be created or described; the message names it."""
