"""Signatures of manifests: who may write a registry is not who may say what is served (docs/adr/0009).

HMAC-SHA256 under a key that the makers of versions and the workers share. It covers the manifest, and by it name,
number and checksum of every file.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import TYPE_CHECKING

from models.manifest import VersionError

if TYPE_CHECKING:
    from pathlib import Path

SIGNATURE = "manifest.sig"

_LEAST_BYTES = 32
# What is signed can be taken for nothing else that the same key may sign one day.
_PURPOSE = b"tocsin manifest 1\n"


class Signer:
    """Signs manifests, and tells its own signatures.

    Args:
        key_file: Holds the key: any bytes, 32 at least; blanks and line ends around them do not count.

    Raises:
        VersionError: There is no such file, or it holds too few bytes.
    """

    def __init__(self, key_file: Path) -> None:
        try:
            self._key = key_file.read_bytes().strip()
        except OSError as error:
            raise VersionError(f"model.key_file: {key_file} cannot be read: {error.strerror}") from error
        if len(self._key) < _LEAST_BYTES:
            raise VersionError(
                f"model.key_file: {key_file} holds {len(self._key)} bytes, and a key has {_LEAST_BYTES} at least: "
                "make one with `openssl rand -hex 32`"
            )

    def sign(self, manifest: bytes) -> bytes:
        """Signature of a manifest's bytes, as its file holds it."""
        return hmac.new(self._key, _PURPOSE + manifest, sha256).hexdigest().encode() + b"\n"

    def check(self, manifest: bytes, signature: bytes | None, name: str, version: int) -> None:
        """Refuse a manifest that is not signed with this key.

        Raises:
            VersionError: It is not; the message names the version.
        """
        if signature is None:
            raise VersionError(
                f"{name}:{version} is not signed, and model.key_file asks for signatures: look at what it is, and sign "
                f"it with `tocsin models sign {version} --name {name}`"
            )
        if not hmac.compare_digest(signature.strip(), self.sign(manifest).strip()):
            raise VersionError(
                f"{name}:{version} is signed with another key than that in model.key_file, or its manifest was changed"
            )
