from __future__ import annotations

import io
import logging
import time
from pathlib import Path

import pytest

from streams.contract.credentials import HIDDEN, Unshown, hide_all, hide_credentials
from streams.contract.logs import configure_logging
from streams.contract.settings import LogSettings

CANARY = "kanarie-4711"


@pytest.mark.parametrize(
    "address",
    [
        f"s3://user:{CANARY}@bucket/models",
        f"svc:{CANARY}@minio:9000/models/encoder",
        f"svc:{CANARY}@minio:9000",
        f"svc:a:{CANARY}@minio.example.com/models/encoder",
        f"https://{CANARY}@host/path",
        f"http://user:p@{CANARY}@host:9093/x?y=1",
        f"https://hooks.example/x?token={CANARY}",
        f"https://hooks.example/x?a=1&sig={CANARY}&b=2",
        f"https://bucket.example/k?X-Amz-Signature={CANARY}",
        f"https://bucket.example/k?AWSAccessKeyId=1&api_key={CANARY}#there",
    ],
)
def test_what_is_secret_in_an_address_is_hidden(address: str) -> None:
    told = hide_credentials(f"cannot reach {address}: refused")
    assert CANARY not in told
    assert HIDDEN in told
    assert told.startswith("cannot reach ")
    assert told.endswith(" refused")


@pytest.mark.parametrize(
    "text",
    [
        "mail somebody@host.example",
        "http://host:9093/path?page=2&monkey=x",
        "https://host/@handle and somebody@else",
        "s3://bucket/models/encoder",
        "image:tag@sha256:1234567890abcdef, at 12:30 ann@host/x",
        "encoder:2 is refused: look at ann@host.example",
        'value="http://host/a" owner="x@y"',
    ],
)
def test_what_is_not_secret_stays(text: str) -> None:
    assert hide_credentials(text) == text


def test_values_within_values_are_hidden() -> None:
    address = f"https://u:{CANARY}@h/"
    hidden = hide_all(
        {"a": [address, {"b": (address,)}], "error": OSError(address), "n": 1, "p": Path("/x"), "o": None}
    )
    assert CANARY not in repr(hidden)
    assert (hidden["n"], hidden["p"], hidden["o"]) == (1, "/x", None)


@pytest.mark.parametrize("form", ["console", "json"])
def test_no_log_line_and_no_traceback_tells_it(form: str) -> None:
    stream = io.StringIO()
    configure_logging(LogSettings(level="debug", format=form), stream)  # type: ignore[arg-type]
    log = logging.getLogger("anywhere")
    address = f"https://user:{CANARY}@host.example/models"
    log.warning("cannot reach %s", address)
    try:
        raise OSError(f"refused by {address}")  # noqa: TRY301  to be logged
    except OSError:
        log.exception("it failed")
    assert "host.example" in stream.getvalue()
    assert CANARY not in stream.getvalue()


def test_a_library_that_prints_its_configuration_does_not_tell() -> None:
    secret = Unshown(CANARY)
    assert CANARY not in repr({"sasl_plain_password": secret})
    assert (secret.encode(), "\0".join([secret, secret]), secret == CANARY) == (  # noqa: FLY002  as a library joins it
        CANARY.encode(),
        f"{CANARY}\0{CANARY}",
        True,
    )
    assert CANARY not in hide_credentials(repr({"sasl_plain_password": CANARY, "webhook_secret": CANARY}))
    assert hide_credentials("the password is wrong: look at kafka.sasl_password") == (
        "the password is wrong: look at kafka.sasl_password"
    )


@pytest.mark.parametrize("text", ["a:b," * 25_000 + "@", "password" * 12_500, "://" + "a:b," * 25_000 + "@h/"])
def test_a_long_text_is_looked_through_at_once(text: str) -> None:
    started = time.process_time()
    hide_credentials(text)
    # Without bounds it is the square of the length: minutes.
    assert time.process_time() - started < 15
