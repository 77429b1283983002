"""What is registered is what is fetched: whole, under a number of its own, or refused by name."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import time
from pathlib import Path
from typing import Any

import onnx
import pytest
from structlog.testing import capture_logs
from support import toy_model
from support.registering import change, read, register

from models import fetching
from models.external_data import MalformedModelError, has_external_data
from models.manifest import MANIFEST, VersionError
from models.registry import Registry


def test_versions_count_up(registry: Registry, small: Path) -> None:
    assert registry.versions("encoder") == []
    assert [register(registry, small) for _ in range(3)] == [1, 2, 3]
    assert registry.versions("encoder") == [1, 2, 3]
    assert registry.versions("other") == []


def test_a_manifest_says_what_was_registered(registry: Registry, small: Path) -> None:
    manifest = registry.manifest("encoder", register(registry, small))
    assert (manifest.name, manifest.version, manifest.precision) == ("encoder", 1, "int8")
    assert manifest.lineage == {"base": "toy", "seed": 13}
    assert sorted(manifest.files) == ["labels.json", "report.md"]
    assert manifest.files["report.md"].size == len("# Report\n")


def test_a_version_that_cannot_be_written_leaves_nothing_but_its_number(
    registry: Registry, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_file = registry._fs.put_file

    def fill_up(local: str, remote: str) -> None:
        if local.endswith("report.md"):
            raise OSError(28, "No space left on device")
        put_file(local, remote)

    monkeypatch.setattr(registry._fs, "put_file", fill_up)
    with pytest.raises(OSError, match="No space"):
        register(registry, small)
    left = [path.rsplit("/", 1)[-1] for path in registry._fs.ls(registry._path("encoder", 1), detail=False)]
    assert left == [".claim"]
    monkeypatch.undo()
    assert register(registry, small) == 2
    assert registry.versions("encoder") == [2]


def test_a_note_lies_beside_a_version_and_is_no_part_of_it(registry: Registry, small: Path, tmp_path: Path) -> None:
    register(registry, small)
    assert registry.note("encoder", 1, "note.json") is None
    registry.add_note("encoder", 1, "note.json", b"{}")
    assert registry.note("encoder", 1, "note.json") == b"{}"
    with pytest.raises(FileExistsError):
        registry.add_note("encoder", 1, "note.json", b"[]")
    assert "note.json" not in registry.manifest("encoder", 1).files
    registry.fetch("encoder", 1, tmp_path / "cache")


def test_a_fetched_version_is_what_was_registered(registry: Registry, toy_files: Path, tmp_path: Path) -> None:
    folder = registry.fetch("encoder", register(registry, toy_files), tmp_path / "cache")
    for path in toy_files.iterdir():
        assert (folder / path.name).read_bytes() == path.read_bytes()


def test_a_local_version_is_used_where_it_lies(small: Path, tmp_path: Path) -> None:
    registry = Registry(str(tmp_path / "registry"))
    assert registry.fetch("encoder", register(registry, small), tmp_path / "cache") == tmp_path / "registry/encoder/1"
    assert not (tmp_path / "cache").exists()


def test_a_cached_version_is_verified_and_fetched_anew(small: Path, tmp_path: Path, memory_url: str) -> None:
    registry = Registry(memory_url)
    version = register(registry, small)
    folder = registry.fetch("encoder", version, tmp_path)
    (folder / "report.md").write_text("# Rep0rt\n")
    with capture_logs() as logs:
        again = registry.fetch("encoder", version, tmp_path)
    assert again == folder
    assert (again / "report.md").read_text() == "# Report\n"
    assert [log["event"] for log in logs] == ["cached_version_refused"]
    assert [path.name for path in folder.parent.iterdir()] == [folder.name], "a draft was left behind"


def test_what_a_killed_process_left_of_a_copy_goes_with_a_later_one(
    small: Path, tmp_path: Path, memory_url: str
) -> None:
    registry = Registry(memory_url)
    register(registry, small)
    versions = tmp_path / "versions/encoder"
    day_ago = time.time() - 90_000
    for name in (".7-old", ".8-young", ".9-copying", ".snapshot"):
        (versions / name / "version").mkdir(parents=True)
        (versions / name / "version/model.onnx").write_bytes(b"half")
    for name in (".7-old", ".snapshot"):
        for path in (versions / name, *(versions / name).rglob("*")):
            os.utime(path, (day_ago, day_ago))
    os.utime(versions / ".9-copying", (day_ago, day_ago))
    folder = registry.fetch("encoder", 1, tmp_path)
    assert sorted(path.name for path in versions.iterdir()) == [".8-young", ".9-copying", ".snapshot", folder.name]


def test_a_version_is_on_the_disk_before_it_is_one(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry(str(tmp_path / "registry"))
    version = tmp_path / "registry/encoder/1"
    settled: list[int] = []
    fsync = os.fsync

    def settle(descriptor: int) -> None:
        fsync(descriptor)
        settled.append(os.fstat(descriptor).st_ino)

    monkeypatch.setattr(os, "fsync", settle)
    register(registry, small)
    order = [settled.index(path.stat().st_ino) for path in (version / "report.md", version / MANIFEST)]
    assert order == sorted(order)
    assert settled[-3:] == [folder.stat().st_ino for folder in (version, version.parent, version.parent.parent)]
    settled.clear()
    registry.set_alias("encoder", "champion", 1)
    aliases = version.parent / "aliases"
    assert settled[:2] == [(aliases / "1.json").stat().st_ino, aliases.stat().st_ino]


def test_a_cache_that_is_cleared_meanwhile_is_not_the_versions_fault(
    small: Path, tmp_path: Path, memory_url: str
) -> None:
    registry = Registry(memory_url)
    register(registry, small)
    stored = fetching.Stored(registry._fs, registry._path("encoder", 1), memory_url)
    with pytest.raises(FileNotFoundError):
        fetching._copy(stored, "report.md", 9, tmp_path / "cleared" / "report.md")
    with pytest.raises(VersionError, match=r"other\.md is missing"):
        fetching._copy(stored, "other.md", 9, tmp_path / "other.md")


def test_versions_of_two_registries_share_a_cache(small: Path, tmp_path: Path, memory_url: str) -> None:
    folders = []
    for text in ("one", "two"):
        (small / "report.md").write_text(text)
        registry = Registry(f"{memory_url}/{text}")
        folders.append(registry.fetch("encoder", register(registry, small), tmp_path / "cache"))
    assert [(folder / "report.md").read_text() for folder in folders] == ["one", "two"]


@pytest.mark.parametrize("url", ["nowhere://bucket/models", "hdfs://host/models"])
def test_a_url_that_cannot_be_opened(url: str) -> None:
    with pytest.raises(VersionError, match=f"the registry {url} cannot be opened"):
        Registry(url)


class TestRefusals:
    def test_a_cut_file(self, registry: Registry, small: Path, tmp_path: Path) -> None:
        version = register(registry, small)
        change(registry, "1/report.md", b"# Rep")
        with pytest.raises(VersionError, match=r"report\.md has 5 bytes where its manifest says 9"):
            registry.fetch("encoder", version, tmp_path / "cache")

    def test_a_flipped_bit(self, registry: Registry, toy_files: Path, tmp_path: Path) -> None:
        version = register(registry, toy_files)
        content = bytearray(read(registry, "1/model.onnx"))
        content[len(content) // 2] ^= 1
        change(registry, "1/model.onnx", bytes(content))
        with pytest.raises(VersionError, match=r"model\.onnx is corrupt: its SHA-256"):
            registry.fetch("encoder", version, tmp_path / "cache")

    def test_a_missing_file(self, registry: Registry, small: Path, tmp_path: Path) -> None:
        version = register(registry, small)
        registry._fs.rm(registry._path("encoder", version, "report.md"))
        with pytest.raises(VersionError, match=r"report\.md is missing"):
            registry.fetch("encoder", version, tmp_path / "cache")

    def test_a_version_without_a_manifest_is_half_written(
        self, registry: Registry, small: Path, tmp_path: Path
    ) -> None:
        register(registry, small)
        change_to_half_written(registry, 2)
        assert registry.versions("encoder") == [1]
        with pytest.raises(VersionError, match="version 2 of encoder is half-written"):
            registry.fetch("encoder", 2, tmp_path / "cache")
        assert register(registry, small) == 3, "the number of a half-written version must not be taken again"

    @pytest.mark.parametrize("name", ["../../report.md", "/report.md", "a/b", "..", ".hidden", "a\\b", "report.md\n"])
    def test_a_file_name_that_leads_out(self, registry: Registry, small: Path, tmp_path: Path, name: str) -> None:
        version = register(registry, small)
        manifest = json.loads(read(registry, "1/manifest.json"))
        manifest["files"][name] = manifest["files"].pop("report.md")
        change(registry, "1/manifest.json", json.dumps(manifest).encode())
        with pytest.raises(VersionError, match=r"manifest\.json: Expected `str` matching regex"):
            registry.fetch("encoder", version, tmp_path / "cache")

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"schema": 2}, "Invalid enum value 2"),
            ({"version": 7}, "it is the manifest of encoder 7"),
            ({"name": "other"}, "it is the manifest of other 1"),
            ({"more": 1}, "unknown field `more`"),
        ],
    )
    def test_another_manifest(
        self, registry: Registry, small: Path, tmp_path: Path, changes: dict[str, Any], message: str
    ) -> None:
        version = register(registry, small)
        manifest = json.loads(read(registry, "1/manifest.json")) | changes
        change(registry, "1/manifest.json", json.dumps(manifest).encode())
        with pytest.raises(VersionError, match=message):
            registry.fetch("encoder", version, tmp_path / "cache")

    @pytest.mark.parametrize("name", ["../encoder", "", "Encoder", "a/b"])
    def test_a_name_that_leads_out(self, registry: Registry, name: str) -> None:
        with pytest.raises(VersionError, match="is no model name"):
            registry.versions(name)

    def test_what_cannot_be_registered(self, registry: Registry, small: Path, tmp_path: Path) -> None:
        with pytest.raises(VersionError, match="holds no files"):
            register(registry, (tmp_path / "nothing").mkdir() or tmp_path / "nothing")
        (small / "more").mkdir()
        with pytest.raises(VersionError, match="more is no file"):
            register(registry, small)
        (small / "more").rmdir()
        (small / "with space").touch()
        with pytest.raises(VersionError, match="with space: a version's file name"):
            register(registry, small)
        assert registry.versions("encoder") == []


class TestExternalData:
    def test_a_model_in_one_file(self, toy_files: Path) -> None:
        assert not has_external_data(toy_files / "model.onnx")

    def test_a_model_with_weights_beside_it(self, registry: Registry, tmp_path: Path) -> None:
        folder = tmp_path / "external"
        folder.mkdir()
        onnx.save(
            toy_model.graph(), folder / "model.onnx", save_as_external_data=True, location="weights", size_threshold=0
        )
        assert has_external_data(folder / "model.onnx")
        with pytest.raises(VersionError, match=r"model\.onnx keeps weights in another file"):
            register(registry, folder)

    def test_weights_beside_a_graph_within_a_graph(self, tmp_path: Path) -> None:
        inner = toy_model.graph()
        tensor = inner.graph.initializer[0]
        tensor.data_location = onnx.TensorProto.EXTERNAL
        outer = toy_model.graph()
        node = outer.graph.node.add(op_type="If")
        node.attribute.append(onnx.helper.make_attribute("then_branch", inner.graph))
        (tmp_path / "model.onnx").write_bytes(outer.SerializeToString())
        assert has_external_data(tmp_path / "model.onnx")

    @pytest.mark.parametrize("content", [b"", b"\x07noise", b"\x3a\xff\xff"])
    def test_noise(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "model.onnx").write_bytes(content)
        with pytest.raises(MalformedModelError):
            has_external_data(tmp_path / "model.onnx")

    def test_a_cut_model(self, toy_files: Path, tmp_path: Path) -> None:
        content = (toy_files / "model.onnx").read_bytes()
        (tmp_path / "model.onnx").write_bytes(content[: len(content) // 2])
        with pytest.raises(MalformedModelError, match="cut"):
            has_external_data(tmp_path / "model.onnx")


def change_to_half_written(registry: Registry, version: int) -> None:
    """What a process leaves that dies while it copies: a claim and some files, no manifest."""
    registry._fs.makedirs(registry._path("encoder", version), exist_ok=True)
    change(registry, f"{version}/.claim", b"")
    change(registry, f"{version}/report.md", b"# Rep")


def _register_some(url: str, folder: str, start: Any) -> list[int]:  # noqa: ANN401  a barrier's proxy has no type
    start.wait(30)
    registry = Registry(url)
    return [register(registry, Path(folder)) for _ in range(5)]


def test_processes_that_register_at_once_get_distinct_versions(small: Path, tmp_path: Path) -> None:
    url = str(tmp_path / "registry")
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, context.Pool(2) as pool:
        barrier = manager.Barrier(2)
        numbers = pool.starmap(_register_some, [(url, str(small), barrier)] * 2, chunksize=1)
    assert sorted(numbers[0] + numbers[1]) == list(range(1, 11))
    registry = Registry(url)
    assert registry.versions("encoder") == list(range(1, 11))
    for number in range(1, 11):
        registry.fetch("encoder", number, tmp_path)


def test_a_draft_in_the_folder_is_no_version(small: Path, tmp_path: Path) -> None:
    registry = Registry(str(tmp_path / "registry"))
    register(registry, small)
    shutil.copytree(tmp_path / "registry/encoder/1", tmp_path / "registry/encoder/1.tmp")
    assert registry.versions("encoder") == [1]
