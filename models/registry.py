"""The registry of model versions: a folder, or any fsspec URL such as ``s3://bucket/models``.

``NAME/N/`` is a version and ``NAME/aliases/`` says which one serves. A number is claimed by creating ``NAME/N/.claim``,
which only one process can do; then come the files, and the manifest last in one atomic write. So numbers are distinct,
a version is never seen half-written, and none is ever written twice or removed.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar
from uuid import uuid4

import fsspec
import structlog
from fsspec.implementations.local import LocalFileSystem
from msgspec import UNSET, UnsetType

from models import atomic
from models.aliases import ALIASES, AliasConflictError, AliasLog, Remark, State
from models.fetching import Stored, fetch, read_whole
from models.files import describe, verify
from models.manifest import LARGEST_MANIFEST, MANIFEST, Kind, Manifest, Precision, VersionError, decode, encode
from models.signing import SIGNATURE, Signer
from models.stores import Store, store_faults
from streams.contract.credentials import hide_credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from streams.contract.settings import ModelSettings

_ALIASES = "aliases"
_CLAIM = ".claim"
_OWN_FILES = {MANIFEST, SIGNATURE}
_NAME = re.compile(r"[a-z0-9-]+")
# Decisions and signatures: the largest that Tocsin writes has a few thousand bytes.
_LARGEST_NOTE = 1 << 20

_log = structlog.get_logger(__name__)
_Loaded = TypeVar("_Loaded")


class Registry:
    """Model versions and the aliases that point at them.

    Args:
        url: A folder or an fsspec URL. Nothing is created before something is registered.
        key_file: Key by which versions are signed, and without whose signature none is taken.

    Raises:
        VersionError: The URL's protocol is unknown, or needs a package that is not installed; or there is no such key.
        OSError: Where it is kept cannot be asked.
    """

    def __init__(self, url: str, key_file: Path | None = None) -> None:
        self.url = url
        self._signer = Signer(key_file) if key_file is not None else None
        with store_faults():
            try:
                fs, root = fsspec.core.url_to_fs(url)
            except (ImportError, ValueError) as error:
                raise VersionError(hide_credentials(f"the registry {url} cannot be opened: {error}")) from error
        self._root = root.rstrip("/")
        self._is_local = isinstance(fs, LocalFileSystem)
        self._fs = fs if self._is_local else Store(fs)
        # What is told of a version goes to topics and to everybody who may look at the desk.
        self._shown = self._root if self._is_local else hide_credentials(url).rstrip("/")

    @classmethod
    def of(cls, settings: ModelSettings) -> Self:
        """The registry that the settings name, with their key."""
        return cls(settings.registry, settings.key_file)

    def versions(self, name: str) -> list[int]:
        """Numbers of the whole versions of a model, ascending; half-written ones are left out."""
        return [number for number in self._numbers(name) if self._fs.exists(self._path(name, number, MANIFEST))]

    def manifest(self, name: str, version: int) -> Manifest:
        """The manifest of a version.

        Raises:
            VersionError: There is no such version, it is half-written, or its manifest is corrupt or not signed.
        """
        return self._manifest(name, version)[0]

    def aliases(self, name: str) -> dict[str, int]:
        """The aliases that are set, each with its version.

        Raises:
            VersionError: Their file is corrupt.
        """
        return self._alias_log(name).last().aliases.set_ones()

    def state(self, name: str, epoch: int | None = None) -> State:
        """The aliases with their number, as they stand or as they stood at that number.

        Raises:
            VersionError: Their file is missing or corrupt.
        """
        log = self._alias_log(name)
        return log.last() if epoch is None else log.at(epoch)

    def change(self, name: str, before: State, changes: Mapping[str, Any], remark: Remark) -> State:
        """Change the aliases at once, where nobody else has changed them since they were looked at.

        Args:
            name: Name of the model.
            before: From ``state``: what the decision was made by.
            changes: Fields of ``models.aliases.Aliases`` with their new values.
            remark: Who changes it, and why.

        Raises:
            AliasConflictError: Somebody else has changed them.
            PinnedError: The champion is pinned and another is set.
            VersionError: There is no such version.
        """
        for version in {changes[alias] for alias in ALIASES if changes.get(alias) is not None}:
            self.manifest(name, version)
        return self._alias_log(name).change(before, changes, remark)

    def resolve(self, name: str, alias_or_version: str) -> int:
        """The version that an alias points at, or that a number names.

        Raises:
            VersionError: The alias is unknown or not set.
        """
        if alias_or_version.isascii() and alias_or_version.isdigit():
            return int(alias_or_version)
        if alias_or_version not in ALIASES:
            raise VersionError(f"{alias_or_version!r} is neither a version number nor one of {', '.join(ALIASES)}")
        version = self.aliases(name).get(alias_or_version)
        if version is None:
            known = ", ".join(map(str, self.versions(name))) or "none"
            raise VersionError(
                f"no version of {name} is {alias_or_version} in {self._shown} (versions: {known}): "
                "`tocsin models bootstrap` makes a first one, and `tocsin generator bootstrap` a first generator"
            )
        return version

    def set_alias(self, name: str, alias: str, version: int, *, expected: int | UnsetType | None = UNSET) -> None:
        """Point an alias at a version, all at once; a new champion makes the old one previous, and ends a challenge.

        Args:
            name: Name of the model.
            alias: One of ``ALIASES``.
            version: What it is to point at.
            expected: What it must point at until now (None: at nothing), where the decision was made by that.

        Raises:
            AliasConflictError: It points at another version than expected, or another process was faster.
            PinnedError: It is the champion, which is pinned.
            VersionError: There is no such alias or version.
        """
        if alias not in ALIASES:
            raise VersionError(f"{alias!r} is none of the aliases {', '.join(ALIASES)}")
        self.manifest(name, version)
        log = self._alias_log(name)
        before = log.last()
        now = before.aliases.set_ones()
        if expected is not UNSET and now.get(alias) != expected:
            raise AliasConflictError(
                f"{alias} of {name} is {now.get(alias, 'not set')} by now and no longer {expected or 'unset'}, so "
                f"version {version} does not take its place: look at `tocsin models list`, and decide again"
            )
        changes: dict[str, int | None] = {alias: version}
        if alias == "champion" and now.get("champion") != version:
            # The gate judged the challenger by the champion of then, and by no other.
            changes |= {"previous": now.get("champion", before.aliases.previous), "challenger": None}
        log.change(before, changes)

    def register(
        self,
        folder: Path,
        name: str,
        *,
        precision: Precision,
        max_tokens: int,
        width: int,
        metrics: dict[str, Any],
        lineage: dict[str, Any],
        kind: Kind = "encoder",
    ) -> int:
        """Take every file of a folder as the next version.

        Args:
            folder: Holds the version's files and no folder; a manifest in it is made anew.
            name: Name of the model.
            precision: Of the served graph.
            max_tokens: Longest text that it was trained on.
            width: Width of its states.
            metrics: Its evaluation.
            lineage: What it was made from.
            kind: What loads it.

        Returns:
            The number of the new version.

        Raises:
            VersionError: A file cannot be registered: a folder, an odd name, an ONNX file with external data.
        """
        files = {path.name: describe(path) for path in sorted(folder.iterdir()) if path.name not in _OWN_FILES}
        if not files:
            raise VersionError(f"{folder} holds no files to register")
        version = self._claim(name)
        manifest = Manifest(
            name=name,
            version=version,
            created=datetime.now(UTC).replace(microsecond=0),
            kind=kind,
            files=files,
            precision=precision,
            max_tokens=max_tokens,
            width=width,
            metrics=metrics,
            lineage=lineage,
        )
        try:
            for file in files:
                atomic.put(self._fs, folder / file, self._path(name, version, file))
            content = encode(manifest)
            if self._signer is not None:
                atomic.write(self._fs, self._path(name, version, SIGNATURE), self._signer.sign(content))
            atomic.write(self._fs, self._path(name, version, MANIFEST), content)
        except Exception:
            self._discard(name, version, [SIGNATURE, *files])
            raise
        return version

    def sign(self, name: str, version: int, cache: Path) -> None:
        """Sign a version that a person vouches for, such as one that is older than the key.

        Args:
            name: Name of the model.
            version: Its number.
            cache: As in ``fetch``; every file is verified first.

        Raises:
            VersionError: There is no such version, it is corrupt, or there is no key.
        """
        if self._signer is None:
            raise VersionError("nothing can be signed without a key: set model.key_file (TOCSIN_MODEL__KEY_FILE)")
        manifest, content = self._read_manifest(name, version)
        self._fetch(name, version, manifest, content, cache)
        atomic.write(self._fs, self._path(name, version, SIGNATURE), self._signer.sign(content))

    def add_note(self, name: str, version: int, note: str, content: bytes) -> None:
        """Put a file beside a version's own: something that was found out later, which is not served.

        Raises:
            FileExistsError: There is such a note already.
        """
        atomic.create(self._fs, self._path(name, version, note), content)

    def note(self, name: str, version: int, note: str, most: int = _LARGEST_NOTE) -> bytes | None:
        """Content of a file that was put beside a version's own; None where there is none.

        Args:
            name: Name of the model.
            version: Its number.
            note: Name of the file.
            most: Bytes that it may have.

        Raises:
            VersionError: It has more bytes.
        """
        self._fs.invalidate_cache()
        try:
            return read_whole(self._fs, self._path(name, version, note), most, self._named(name, version, note))
        except FileNotFoundError:
            return None

    def fetch(self, name: str, version: int, cache: Path) -> Path:
        """A version as a local folder, every file of it verified.

        Args:
            name: Name of the model.
            version: Its number.
            cache: Where a version is kept that comes from elsewhere, or is signed: what was checked must not be changed
                before it is loaded by whom the signature is to guard against. Else that of a local registry is used
                where it lies.

        Raises:
            VersionError: The version is missing, half-written or corrupt; the message names the file.
        """
        manifest, content = self._manifest(name, version)
        return self._fetch(name, version, manifest, content, cache)

    def resolve_and_fetch(self, name: str, alias_or_version: str, cache: Path) -> tuple[int, Path]:
        """Number and verified local folder of a version; in the place of a refused champion, the previous one.

        Raises:
            VersionError: The version is refused, and there is no other to fall back on.
        """
        return self.resolve_and_load(name, alias_or_version, cache, lambda folder: folder)

    def resolve_and_load(
        self, name: str, alias_or_version: str, cache: Path, load: Callable[[Path], _Loaded]
    ) -> tuple[int, _Loaded]:
        """Fetch a version and load it; where the champion is refused at either, do so with the previous one.

        Args:
            name: Name of the model.
            alias_or_version: What to serve.
            cache: As in ``fetch``.
            load: Makes of the folder what serves, and raises VersionError where it will not.

        Raises:
            VersionError: The version is refused, and there is no other to fall back on.
        """
        version = self.resolve(name, alias_or_version)
        try:
            return version, load(self.fetch(name, version, cache))
        except VersionError as error:
            previous = self.aliases(name).get("previous") if alias_or_version == "champion" else None
            if previous is None or previous == version:
                raise
            _log.warning(
                "champion_refused_previous_serves", name=name, champion=version, previous=previous, error=str(error)
            )
            return previous, load(self.fetch(name, previous, cache))

    def _path(self, name: str, *parts: str | int) -> str:
        if not _NAME.fullmatch(name):
            raise VersionError(f"{name!r} is no model name: use lower-case letters, digits and '-'")
        return "/".join((self._root, name, *map(str, parts)))

    def _named(self, name: str, *parts: str | int) -> str:
        """As ``_path``, for people: without credentials, which some file systems keep in their paths."""
        return "/".join((self._shown, name, *map(str, parts)))

    def _numbers(self, name: str) -> list[int]:
        """Every number that was ever claimed, ascending."""
        self._fs.invalidate_cache()
        try:
            entries = self._fs.ls(self._path(name), detail=False)
        except FileNotFoundError:
            return []
        names = (entry.rstrip("/").rsplit("/", 1)[-1] for entry in entries)
        return sorted(int(number) for number in names if number.isascii() and number.isdigit())

    def _claim(self, name: str) -> int:
        """Reserve the next number: of two processes only one can create its claim."""
        version = max(self._numbers(name), default=0) + 1
        # No two claims are alike, since one is known as one's own by what it says.
        claim = f"{datetime.now(UTC).isoformat()} {uuid4().hex}".encode()
        while True:
            try:
                atomic.create(self._fs, self._path(name, version, _CLAIM), claim)
            except FileExistsError:
                version += 1
            else:
                return version

    def _discard(self, name: str, version: int, files: Iterable[str]) -> None:
        """Remove what was written of a version that is not to be, such as on a full disk; its number stays claimed."""
        # The manifest first: without one, whatever is left is no version.
        for file in (MANIFEST, *files):
            with suppress(OSError):
                self._fs.rm_file(self._path(name, version, file))

    def _alias_log(self, name: str) -> AliasLog:
        return AliasLog(self._fs, self._path(name, _ALIASES), self._named(name, _ALIASES))

    def _manifest(self, name: str, version: int) -> tuple[Manifest, bytes]:
        manifest, content = self._read_manifest(name, version)
        if self._signer is not None:
            self._signer.check(content, self.note(name, version, SIGNATURE), name, version)
        return manifest, content

    def _read_manifest(self, name: str, version: int) -> tuple[Manifest, bytes]:
        """A manifest and its bytes, whoever wrote it."""
        path, told = (named(name, version, MANIFEST) for named in (self._path, self._named))
        try:
            content = read_whole(self._fs, path, LARGEST_MANIFEST, told)
        except FileNotFoundError:
            state = "is half-written: it has no manifest.json" if version in self._numbers(name) else "does not exist"
            raise VersionError(f"version {version} of {name} {state} (in {self._shown})") from None
        manifest = decode(content, Manifest, told)
        if (manifest.name, manifest.version) != (name, version):
            raise VersionError(f"{told}: it is the manifest of {manifest.name} {manifest.version}")
        return manifest, content

    def _fetch(self, name: str, version: int, manifest: Manifest, content: bytes, cache: Path) -> Path:
        if self._is_local and self._signer is None:
            folder = Path(self._path(name, version))
            verify(folder, manifest)
            return folder
        stored = Stored(self._fs, self._path(name, version), self._named(name, version))
        return fetch(stored, manifest, content, cache)
