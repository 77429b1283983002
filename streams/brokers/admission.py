"""Whether a broker lets us in, asked on a connection of its own before the libraries ask.

They try a refused certificate or password again and again, and tell of a time-out in the end. Here the first refusal is
told, with the setting that it comes from. Frames are those of Kafka's protocol guide, in their oldest form that Kafka 4
still takes.
"""

from __future__ import annotations

import socket
import ssl
import struct
from contextlib import closing
from typing import TYPE_CHECKING

from kafka.net.sasl import get_sasl_mechanism

from streams.brokers.errors import BrokerRefusesError, BrokerUnreachableError
from streams.brokers.tls import distrust, ssl_context

if TYPE_CHECKING:
    from streams.contract.settings import KafkaSettings

_API_VERSIONS, _SASL_HANDSHAKE, _SASL_AUTHENTICATE = (18, 0), (17, 1), (36, 0)
_CORRELATION = 1
_HEADER_BYTES = 4
# SCRAM's messages and lists of mechanisms are short; what is longer is no answer of Kafka's.
_LONGEST_ANSWER = 1 << 16
_TLS_ALERT = 0x15


def ask(kafka: KafkaSettings, server: str, timeout: float) -> None:
    """Return where a broker trusts us and we trust it; or where it cannot be told, which the libraries then will.

    Args:
        kafka: How to be let in.
        server: The broker's ``host:port``.
        timeout: Seconds that it may take.

    Raises:
        BrokerRefusesError: It does not let us in, or is not trusted; the message names the setting.
        BrokerUnreachableError: It ends the connection without a reason.
        SettingsError: A certificate's file is not what it should be.
        OSError: It cannot be reached.
    """
    host, _, port = server.rpartition(":")
    host = host.strip("[]")
    context = ssl_context(kafka) if kafka.security_protocol.endswith("SSL") else None
    with closing(socket.create_connection((host, int(port)), timeout)) as plain:
        try:
            with closing(context.wrap_socket(plain, server_hostname=host) if context else plain) as sock:
                _round_trip(sock, _API_VERSIONS, b"")
                if kafka.security_protocol.startswith("SASL"):
                    _authenticate(sock, kafka, server)
        except ssl.SSLCertVerificationError as error:
            raise BrokerRefusesError(
                f"the broker at {server} is not trusted: {distrust(error, host, kafka)}"
            ) from error
        except (ssl.SSLError, ConnectionError, _NoAnswerError) as error:
            reason = getattr(error, "reason", None) or ""
            if context and ("CERTIFICATE" in reason or "UNKNOWN_CA" in reason):
                ours = kafka.ssl_certfile or "none is set"
                raise BrokerRefusesError(
                    f"the broker at {server} does not take our client certificate: look at kafka.ssl_certfile ({ours}) "
                    "and kafka.ssl_keyfile"
                ) from error
            # A broker that stops or starts ends connections too: that passes.
            raise BrokerUnreachableError(
                f"the broker at {server} ends the connection ({reason or error}): is kafka.security_protocol = "
                f"{kafka.security_protocol} right for this port?"
            ) from error


def speaks_tls(server: str, timeout: float) -> bool:
    """Whether somebody answers a plain request with an alert of TLS."""
    host, _, port = server.rpartition(":")
    try:
        with closing(socket.create_connection((host.strip("[]"), int(port)), timeout)) as sock:
            sock.sendall(_frame(_API_VERSIONS, b""))
            return sock.recv(1) == bytes([_TLS_ALERT])
    except OSError:
        return False


class _NoAnswerError(Exception):
    """What came is no answer of Kafka's."""


def _authenticate(sock: socket.socket, kafka: KafkaSettings, server: str) -> None:
    password = kafka.sasl_password.get_secret_value() if kafka.sasl_password else ""
    offered = _round_trip(sock, _SASL_HANDSHAKE, _text(kafka.sasl_mechanism))
    if _error(offered):
        raise BrokerRefusesError(
            f"the broker at {server} does not take kafka.sasl_mechanism = {kafka.sasl_mechanism}: it offers "
            f"{', '.join(_texts(offered[2:])) or 'none'}"
        )
    mechanism = get_sasl_mechanism(kafka.sasl_mechanism)(
        sasl_mechanism=kafka.sasl_mechanism, sasl_plain_username=kafka.sasl_username, sasl_plain_password=password
    )
    while not mechanism.is_done():
        token = mechanism.auth_bytes()
        answer = _round_trip(sock, _SASL_AUTHENTICATE, struct.pack(">i", len(token)) + token)
        if _error(answer):
            raise BrokerRefusesError(
                f"the broker at {server} refuses the user {kafka.sasl_username} ({kafka.sasl_mechanism}): look at "
                "kafka.sasl_username, kafka.sasl_password and kafka.sasl_mechanism"
            )
        length = max(0, struct.unpack_from(">h", answer, 2)[0])
        try:
            mechanism.receive(answer[4 + length + 4 :])
        except ValueError as error:
            # It does not prove that it knows the password: whoever it is, it is not who made the user.
            raise BrokerRefusesError(f"the broker at {server} does not know kafka.sasl_password itself") from error


def _round_trip(sock: socket.socket, api: tuple[int, int], body: bytes) -> bytes:
    """What a request is answered with, without the header."""
    sock.sendall(_frame(api, body))
    (length,) = struct.unpack(">i", _exactly(sock, 4))
    if not _HEADER_BYTES <= length <= _LONGEST_ANSWER:
        raise _NoAnswerError(f"an answer of {length} bytes")
    return _exactly(sock, length)[_HEADER_BYTES:]


def _frame(api: tuple[int, int], body: bytes) -> bytes:
    content = struct.pack(">hhi", *api, _CORRELATION) + _text("tocsin") + body
    return struct.pack(">i", len(content)) + content


def _exactly(sock: socket.socket, length: int) -> bytes:
    content = b""
    while len(content) < length:
        part = sock.recv(length - len(content))
        if not part:
            raise ConnectionResetError("the connection was closed")
        content += part
    return content


def _text(text: str) -> bytes:
    content = text.encode()
    return struct.pack(">h", len(content)) + content


def _error(answer: bytes) -> int:
    code: int = struct.unpack_from(">h", answer)[0]
    return code


def _texts(content: bytes) -> list[str]:
    """An array of texts."""
    (count,) = struct.unpack_from(">i", content)
    place, found = 4, []
    for _ in range(max(0, count)):
        (length,) = struct.unpack_from(">h", content, place)
        found.append(content[place + 2 : place + 2 + length].decode("utf-8", "replace"))
        place += 2 + length
    return found
