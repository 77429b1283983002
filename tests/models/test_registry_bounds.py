"""What an untrusted registry may not do to whoever reads it: fill a memory or a disk, or have a password told."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

import fsspec
import pytest
from support import toy_model
from support.registering import register

from models import aliases, fetching
from models.manifest import VersionError
from models.registry import Registry
from models.signing import SIGNATURE

if TYPE_CHECKING:
    from pathlib import Path

_HUGE = 1 << 34
_SECRET = "S3cretPw"  # noqa: S105  a test's own


def make_huge(registry: Registry, path: str) -> None:
    """A file of the encoder that has many bytes, and takes none of the disk."""
    with open(registry._path("encoder", path), "ab") as file:  # noqa: PTH123  as the registry names it
        file.truncate(_HUGE)


@pytest.fixture
def folder(tmp_path: Path, small: Path) -> Registry:
    registry = Registry(str(tmp_path / "registry"))
    register(registry, small)
    registry.set_alias("encoder", "champion", 1)
    return registry


def test_a_note_is_not_read_whole(folder: Registry) -> None:
    make_huge(folder, "1/decision.json")
    with pytest.raises(VersionError, match=r"encoder/1/decision\.json has more than 1048576 bytes"):
        folder.note("encoder", 1, "decision.json")


def test_a_signature_is_not_read_whole(folder: Registry, tmp_path: Path) -> None:
    key = tmp_path / "registry.key"
    key.write_text("ab" * 32)
    make_huge(folder, f"1/{SIGNATURE}")
    with pytest.raises(VersionError, match="has more than"):
        Registry(folder.url, key).manifest("encoder", 1)


def test_aliases_are_not_read_whole(folder: Registry) -> None:
    make_huge(folder, "aliases/1.json")
    with pytest.raises(VersionError, match=rf"aliases/1\.json has more than {aliases._LARGEST_STATE} bytes"):
        folder.state("encoder")


def test_a_file_is_copied_no_further_than_its_manifest_says(
    folder: Registry, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As from elsewhere; a folder holds more than there is room for in a store of memory.
    monkeypatch.setattr(folder, "_is_local", False)
    monkeypatch.setattr(fetching, "_CHUNK", 8)
    make_huge(folder, "1/labels.json")
    size = (small / "labels.json").stat().st_size
    with pytest.raises(VersionError, match=rf"encoder/1/labels\.json has more than the {size} bytes"):
        folder.fetch("encoder", 1, tmp_path / "cache")
    assert not list((tmp_path / "cache/versions/encoder").iterdir())


def test_a_file_of_many_chunks_is_copied_as_it_is(
    small: Path, tmp_path: Path, memory_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "_CHUNK", 1000)
    content = bytes(range(256)) * 100
    (small / "weights.bin").write_bytes(content)
    (small / "empty.txt").write_bytes(b"")
    registry = Registry(memory_url)
    register(registry, small)
    fetched = registry.fetch("encoder", 1, tmp_path / "cache")
    assert sha256((fetched / "weights.bin").read_bytes()).digest() == sha256(content).digest()
    assert (fetched / "empty.txt").read_bytes() == b""


class _Store(type(fsspec.filesystem("memory"))):  # type: ignore[misc]
    """Keeps user and password in its paths, as some file systems do."""

    protocol = "toystore"
    store: dict[str, Any] = {}  # noqa: RUF012  the base's own kind of attribute
    pseudo_dirs: list[str] = [""]  # noqa: RUF012

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return "/" + path.removeprefix("toystore://").strip("/")


def test_nothing_that_is_told_of_a_registry_holds_a_password(small: Path, tmp_path: Path) -> None:
    fsspec.register_implementation("toystore", _Store, clobber=True)
    registry = Registry(f"toystore://svc:{_SECRET}@minio:9000/models")
    registry.register(small, "encoder", **toy_model.facts())
    assert _SECRET in registry._path("encoder", 1)

    def spoil(path: str, content: bytes) -> None:
        registry._fs.pipe_file(registry._path("encoder", path), content)

    told = []

    def refused(ask: Any) -> None:  # noqa: ANN401  whatever is asked
        with pytest.raises(VersionError) as error:
            ask()
        told.append(str(error.value))

    refused(lambda: registry.resolve("encoder", "champion"))
    refused(lambda: registry.manifest("encoder", 7))
    refused(lambda: registry.state("encoder", 3))
    spoil("aliases/1.json", b"{")
    refused(lambda: registry.state("encoder"))
    registry._fs.rm_file(registry._path("encoder", 1, "labels.json"))
    refused(lambda: registry.fetch("encoder", 1, tmp_path / "cache"))
    spoil("1/manifest.json", b"{")
    refused(lambda: registry.manifest("encoder", 1))
    spoil("1/note", b"x" * (2 << 20))
    refused(lambda: registry.note("encoder", 1, "note"))
    refused(lambda: Registry(f"nosuch://svc:{_SECRET}@minio:9000/models"))
    assert [text for text in told if _SECRET in text] == []
    assert all("minio:9000" in text for text in told)
