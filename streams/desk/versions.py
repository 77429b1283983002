"""Model versions as the page shows them: out of the registry, with their reports and the gate's decisions."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from models.manifest import VersionError
from models.registry import Registry
from streams.contract.credentials import hide_credentials

if TYPE_CHECKING:
    from collections.abc import Callable

    from msgspec import Struct

    from models.manifest import Manifest
    from streams.contract.settings import Settings

_REPORT_PAGE, _REPORT_TEXT = "report.html", "report.md"
_TYPES = {".html": "text/html; charset=utf-8", ".md": "text/plain; charset=utf-8", ".png": "image/png"}
_LARGEST_FILE = 32 * 1024 * 1024


class ShownFile(NamedTuple):
    """A file of a version that may be shown."""

    content: bytes
    media_type: str


class Versions:
    """The versions of the served model. Used from any thread.

    Args:
        settings: Which registry and model.
        decision: The gate's decision on a version.
    """

    def __init__(self, settings: Settings, decision: Callable[[Registry, str, int], Struct | None]) -> None:
        self._settings = settings
        self._decision = decision

    def overview(self) -> dict[str, Any]:
        """Every version in short, the newest first, and which of them serves; of one that is refused, why.

        Raises:
            VersionError: The registry cannot be opened, or its aliases are corrupt.
        """
        registry, name = self._registry(), self._settings.model.name
        aliases = registry.state(name).aliases
        pin = aliases.pin
        return {
            "model": name,
            "registry": hide_credentials(self._settings.model.registry),
            "champion": aliases.champion,
            "previous": aliases.previous,
            "challenger": aliases.challenger,
            "pin": None if pin is None else str(pin),
            "versions": [self._row(registry, version) for version in reversed(registry.versions(name))],
        }

    def version(self, number: int) -> dict[str, Any]:
        """All that is known of a version.

        Raises:
            VersionError: There is no such version, or it is corrupt.
        """
        registry, name = self._registry(), self._settings.model.name
        manifest = registry.manifest(name, number)
        decision = self._decision(registry, name, number)
        return {
            **self._short(registry, manifest),
            "decision": msgspec.to_builtins(decision),
            "lineage": manifest.lineage,
            "max_tokens": manifest.max_tokens,
            "megabytes": round(sum(entry.size for entry in manifest.files.values()) / 1e6, 1),
            "report": next((file for file in (_REPORT_PAGE, _REPORT_TEXT) if file in manifest.files), None),
            "plots": sorted(file for file in manifest.files if file.endswith(".png")),
        }

    def file(self, number: int, name: str) -> ShownFile:
        """A report or a picture of a version, as it was registered.

        Raises:
            VersionError: There is no such version or file, it is none that may be shown, or it is corrupt.
        """
        registry, model = self._registry(), self._settings.model.name
        entry = registry.manifest(model, number).files.get(name)
        media_type = _TYPES.get(f".{name.rpartition('.')[2]}")
        # Only what the manifest names: so no name reaches out of the version's folder.
        if entry is None or media_type is None or entry.size > _LARGEST_FILE:
            raise VersionError(f"version {number} of {model} has no file {name!r} to be shown")
        content = registry.note(model, number, name, entry.size)
        if content is None or sha256(content).hexdigest() != entry.sha256:
            raise VersionError(f"{name} of {model}:{number} is missing or corrupt")
        return ShownFile(content, media_type)

    def _registry(self) -> Registry:
        return Registry.of(self._settings.model)

    def _row(self, registry: Registry, version: int) -> dict[str, Any]:
        try:
            return self._short(registry, registry.manifest(self._settings.model.name, version))
        except VersionError as error:
            # The others are to be seen all the same, and the way back to one of them.
            return {"version": version, "refused": hide_credentials(str(error))}

    def _short(self, registry: Registry, manifest: Manifest) -> dict[str, Any]:
        decision = self._decision(registry, manifest.name, manifest.version)
        return {
            "version": manifest.version,
            "created": manifest.created,
            "precision": manifest.precision,
            "metrics": manifest.metrics,
            "base": manifest.lineage.get("base"),
            "parent": manifest.lineage.get("parent"),
            "promote": getattr(decision, "promote", None),
        }
