"""Versions of the encoder registered for tests, and their files looked at behind the registry's back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support import toy_model

if TYPE_CHECKING:
    from pathlib import Path

    from models.registry import Registry


def register(registry: Registry, folder: Path) -> int:
    """Register a folder's files as a version of the encoder; its number."""
    return registry.register(folder, "encoder", **toy_model.facts())


def change(registry: Registry, path: str, content: bytes) -> None:
    """Write over a file of the encoder's, as nobody should."""
    registry._fs.pipe_file(registry._path("encoder", path), content)


def read(registry: Registry, path: str) -> bytes:
    """A file of the encoder's, as it lies in the registry."""
    content: bytes = registry._fs.cat_file(registry._path("encoder", path))
    return content
