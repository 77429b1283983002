"""What a version is trusted for (docs/adr/0009): its checksums, its names, its graph and its signature."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import fsspec
import onnx
import pytest
from support import toy_model

from models import files
from models.external_data import foreign_domains
from models.manifest import LARGEST_MANIFEST, MANIFEST, VersionError
from models.registry import Registry
from models.runtime import Encoder
from models.signing import SIGNATURE, Signer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def memory_url() -> Iterator[str]:
    url = f"memory://{uuid4().hex}"
    yield url
    store = fsspec.filesystem("memory")
    if store.exists(url):
        store.rm(url, recursive=True)


@pytest.fixture(params=["folder", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path, memory_url: str) -> str:
    return str(tmp_path / "registry") if request.param == "folder" else memory_url


@pytest.fixture
def small(tmp_path: Path) -> Path:
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "labels.json").write_text('{"topics": ["earnings"]}')
    return folder


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "registry.key"
    path.write_text(f"{'ab' * 32}\n")
    return path


def register(registry: Registry, folder: Path) -> int:
    return registry.register(folder, "encoder", **toy_model.facts())


def put(registry: Registry, path: str, content: bytes) -> None:
    registry._fs.pipe_file(registry._path("encoder", path), content)


class TestSignatures:
    def test_what_is_registered_under_a_key_is_taken_by_whoever_has_it(
        self, url: str, key: Path, toy_files: Path, tmp_path: Path
    ) -> None:
        register(Registry(url, key), toy_files)
        folder = Registry(url, key).fetch("encoder", 1, tmp_path / "cache")
        assert Encoder.load(folder, threads=1, sub_batch=4).model == "encoder:1"
        # Who asks for no signature is not kept from it.
        assert Registry(url).manifest("encoder", 1).version == 1

    def test_what_is_not_signed_is_refused_until_a_person_signs_it(
        self, url: str, key: Path, small: Path, tmp_path: Path
    ) -> None:
        register(Registry(url), small)
        registry = Registry(url, key)
        for ask in (
            lambda: registry.fetch("encoder", 1, tmp_path / "cache"),
            lambda: registry.manifest("encoder", 1),
            lambda: registry.set_alias("encoder", "champion", 1),
        ):
            with pytest.raises(VersionError, match=r"encoder:1 is not signed, and model\.key_file.*models sign 1"):
                ask()
        registry.sign("encoder", 1, tmp_path / "cache")
        assert registry.fetch("encoder", 1, tmp_path / "cache").is_dir()

    def test_another_key_is_refused(self, url: str, key: Path, small: Path, tmp_path: Path) -> None:
        register(Registry(url, key), small)
        other = tmp_path / "other.key"
        other.write_text("cd" * 32)
        with pytest.raises(VersionError, match=r"another key than that in model\.key_file"):
            Registry(url, other).fetch("encoder", 1, tmp_path / "cache")

    def test_a_version_that_was_exchanged_with_all_its_checksums_is_refused(
        self, url: str, key: Path, small: Path, tmp_path: Path
    ) -> None:
        """Who can write the registry can make checksums, and no signature."""
        registry = Registry(url, key)
        register(registry, small)
        forged = tmp_path / "forged"
        shutil.copytree(small, forged)
        (forged / "labels.json").write_text('{"topics": ["forged"]}')
        manifest = json.loads(registry._fs.cat_file(registry._path("encoder", 1, MANIFEST)))
        manifest["files"]["labels.json"] = {
            "sha256": files.describe(forged / "labels.json").sha256,
            "size": (forged / "labels.json").stat().st_size,
        }
        put(registry, "1/labels.json", (forged / "labels.json").read_bytes())
        put(registry, f"1/{MANIFEST}", json.dumps(manifest).encode())
        assert Registry(url).fetch("encoder", 1, tmp_path / "no key")
        with pytest.raises(VersionError, match="its manifest was changed"):
            registry.fetch("encoder", 1, tmp_path / "cache")

    def test_the_signature_of_another_version_is_refused(
        self, url: str, key: Path, small: Path, tmp_path: Path
    ) -> None:
        registry = Registry(url, key)
        register(registry, small)
        register(registry, small)
        for name in (MANIFEST, SIGNATURE):
            put(registry, f"2/{name}", registry._fs.cat_file(registry._path("encoder", 1, name)))
        with pytest.raises(VersionError, match="manifest of encoder 1"):
            registry.fetch("encoder", 2, tmp_path / "cache")

    def test_what_was_checked_is_what_is_loaded(self, key: Path, small: Path, tmp_path: Path) -> None:
        """A signed version of a local registry is loaded from a copy that its writers do not reach."""
        registry = Registry(str(tmp_path / "registry"), key)
        register(registry, small)
        folder = registry.fetch("encoder", 1, tmp_path / "cache")
        (tmp_path / "registry/encoder/1/labels.json").write_text("exchanged")
        assert folder.is_relative_to(tmp_path / "cache")
        assert (folder / "labels.json").read_bytes() == (small / "labels.json").read_bytes()

    @pytest.mark.parametrize("content", [None, b"short", b" \n" * 40])
    def test_a_key_that_is_none_names_the_setting(self, tmp_path: Path, content: bytes | None) -> None:
        path = tmp_path / "key"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(VersionError, match=r"model\.key_file"):
            Signer(path)

    def test_no_error_tells_the_key(self, url: str, key: Path, small: Path, tmp_path: Path) -> None:
        register(Registry(url), small)
        with pytest.raises(VersionError) as refused:
            Registry(url, key).fetch("encoder", 1, tmp_path)
        assert "abab" not in str(refused.value)

    def test_without_a_key_nothing_is_signed(self, url: str, small: Path, tmp_path: Path) -> None:
        register(Registry(url), small)
        with pytest.raises(VersionError, match=r"model\.key_file"):
            Registry(url).sign("encoder", 1, tmp_path)


class TestFiles:
    def test_a_link_is_not_registered(self, url: str, small: Path) -> None:
        (small / "passwd.txt").symlink_to("/etc/passwd")
        with pytest.raises(VersionError, match=r"passwd\.txt is no file"):
            register(Registry(url), small)

    def test_a_link_in_a_version_is_refused(self, small: Path, tmp_path: Path) -> None:
        registry = Registry(str(tmp_path / "registry"))
        register(registry, small)
        stored = tmp_path / "registry/encoder/1/labels.json"
        elsewhere = tmp_path / "elsewhere.json"
        stored.rename(elsewhere)
        stored.symlink_to(elsewhere)  # the same bytes, so that the checksum holds
        with pytest.raises(VersionError, match=r"labels\.json is a link"):
            registry.fetch("encoder", 1, tmp_path / "cache")

    @pytest.mark.parametrize("name", ["../outside.json", "/etc/passwd", "a/b.json", "..", ".hidden", "x\x00y", "a\\b"])
    def test_a_name_in_a_manifest_leads_nowhere_else(
        self, memory_url: str, small: Path, tmp_path: Path, name: str
    ) -> None:
        registry = Registry(memory_url)
        register(registry, small)
        manifest = json.loads(registry._fs.cat_file(registry._path("encoder", 1, MANIFEST)))
        manifest["files"][name] = manifest["files"]["labels.json"]
        put(registry, f"1/{MANIFEST}", json.dumps(manifest).encode())
        with pytest.raises(VersionError, match=r"manifest\.json"):
            registry.fetch("encoder", 1, tmp_path / "cache")
        assert not (tmp_path / "outside.json").exists()

    def test_a_cached_manifest_that_was_changed_is_fetched_anew(
        self, memory_url: str, small: Path, tmp_path: Path
    ) -> None:
        """It is read again when the version is loaded, and says what is verified there."""
        registry = Registry(memory_url)
        register(registry, small)
        folder = registry.fetch("encoder", 1, tmp_path)
        right = (folder / MANIFEST).read_bytes()
        (folder / MANIFEST).write_bytes(right.replace(b"int8", b"fp32"))
        assert (registry.fetch("encoder", 1, tmp_path) / MANIFEST).read_bytes() == right

    def test_a_manifest_of_many_megabytes_is_not_decoded(self, url: str, small: Path, tmp_path: Path) -> None:
        registry = Registry(url)
        register(registry, small)
        put(registry, f"1/{MANIFEST}", b"[" * (LARGEST_MANIFEST + 10))
        with pytest.raises(VersionError, match=f"manifest.json has more than {LARGEST_MANIFEST} bytes"):
            registry.fetch("encoder", 1, tmp_path)

    def test_a_manifest_without_end_is_malformed(self, url: str, small: Path, tmp_path: Path) -> None:
        registry = Registry(url)
        register(registry, small)
        put(registry, f"1/{MANIFEST}", b'{"metrics":' + b"[" * 500_000)
        with pytest.raises(VersionError, match=r"manifest\.json"):
            registry.fetch("encoder", 1, tmp_path)

    def test_a_tokenizer_that_is_too_large_is_refused(
        self, url: str, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (small / "tokenizer.json").write_bytes(b"x" * 5000)
        register(Registry(url), small)
        monkeypatch.setattr(files, "_LARGEST_JSON", 4999)
        with pytest.raises(VersionError, match=r"tokenizer\.json has more than 4999 bytes"):
            Registry(url).fetch("encoder", 1, tmp_path / "cache")
        with pytest.raises(VersionError, match=r"tokenizer\.json has more than 4999 bytes"):
            register(Registry(url), small)


class TestGraphs:
    @pytest.mark.parametrize("location", ["/etc/passwd", "../../secrets.bin", "weights.bin", "a/../../b"])
    def test_weights_elsewhere_are_refused_wherever_they_are(
        self, url: str, toy_files: Path, tmp_path: Path, location: str
    ) -> None:
        """A registry that somebody has written to past ``register``, checksums and all."""
        registry = Registry(url)
        register(registry, toy_files)
        graph = toy_model.graph()
        tensor = graph.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=location)
        self._replace(registry, graph)
        with pytest.raises(VersionError, match=r"model\.onnx keeps weights in another file"):
            registry.fetch("encoder", 1, tmp_path / "cache")

    def test_external_data_without_saying_so_is_refused(self, url: str, toy_files: Path, tmp_path: Path) -> None:
        registry = Registry(url)
        register(registry, toy_files)
        graph = toy_model.graph()
        graph.graph.initializer[0].external_data.add(key="location", value="/etc/passwd")
        self._replace(registry, graph)
        with pytest.raises(VersionError, match="keeps weights in another file"):
            registry.fetch("encoder", 1, tmp_path / "cache")

    def test_operators_of_others_are_refused(self, url: str, toy_files: Path, tmp_path: Path) -> None:
        registry = Registry(url)
        register(registry, toy_files)
        graph = toy_model.graph()
        graph.opset_import.add(domain="com.elsewhere", version=1)
        self._replace(registry, graph)
        with pytest.raises(VersionError, match=r"model\.onnx has operators of com\.elsewhere"):
            registry.fetch("encoder", 1, tmp_path / "cache")

    def test_onnxruntimes_own_operators_are_let_in(self, tmp_path: Path) -> None:
        graph = toy_model.graph()
        graph.opset_import.add(domain="com.microsoft", version=1)
        (tmp_path / "model.onnx").write_bytes(graph.SerializeToString())
        assert foreign_domains(tmp_path / "model.onnx") == []

    def test_a_function_of_another_domain_is_found(self, tmp_path: Path) -> None:
        graph = toy_model.graph()
        function = graph.functions.add(name="f")
        function.domain = "own.functions"
        (tmp_path / "model.onnx").write_bytes(graph.SerializeToString())
        assert foreign_domains(tmp_path / "model.onnx") == ["own.functions"]

    def _replace(self, registry: Registry, graph: onnx.ModelProto) -> None:
        content = graph.SerializeToString()
        put(registry, "1/model.onnx", content)
        path = registry._path("encoder", 1, MANIFEST)
        manifest = json.loads(registry._fs.cat_file(path))
        entry = manifest["files"]["model.onnx"]
        entry["size"], entry["sha256"] = len(content), _sha256(content)
        registry._fs.pipe_file(path, json.dumps(manifest).encode())


def _sha256(content: bytes) -> str:
    from hashlib import sha256  # noqa: PLC0415

    return sha256(content).hexdigest()


def test_the_trial_is_told_nothing_by_its_arguments() -> None:
    """Every user of the machine sees them, and a registry's address may hold a password."""
    source = Path(os.path.join(os.path.dirname(files.__file__), "trial.py")).read_text()  # noqa: PTH118, PTH120
    assert "sys.argv" not in source
