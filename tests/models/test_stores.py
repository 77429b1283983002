"""What stores elsewhere do in ways of their own: fail, refuse what is there already, and lose an answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from support.registering import register

from models.aliases import AliasConflictError, Remark
from models.manifest import VersionError
from models.registry import Registry
from models.stores import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class OutOfReachError(Exception):
    """As a client's own, which has no base in common with others'."""


class Elsewhere(MemoryFileSystem):
    """A store in memory whose every call may fail as a client's does."""

    protocol = "elsewhere"
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    is_away = False
    on_create: Callable[[str, bytes], None] | None = None

    def _open(self, path: str, mode: str = "rb", **named: Any) -> Any:  # noqa: ANN401  fsspec has no types
        self._ask()
        return super()._open(path, mode, **named)

    def open(self, path: str, mode: str = "rb", **named: Any) -> Any:  # noqa: ANN401  likewise
        if mode == "xb" and self.on_create is not None:
            return _Created(self, path, self.on_create)
        return super().open(path, mode, **named)

    def ls(self, path: str, *values: Any, **named: Any) -> Any:  # noqa: ANN401  likewise
        self._ask()
        return super().ls(path, *values, **named)

    def cat_file(self, path: str, *values: Any, **named: Any) -> Any:  # noqa: ANN401  likewise
        self._ask()
        return super().cat_file(path, *values, **named)

    def _ask(self) -> None:
        if self.is_away:
            raise OutOfReachError('no route to "https://me:S3cretPw@store.example/models"')


class _Created:
    """A file that is put when it is closed, as an object store has it."""

    def __init__(self, fs: Elsewhere, path: str, put: Callable[[str, bytes], None]) -> None:
        self._fs, self._path, self._put = fs, path, put
        self._content = b""

    def __enter__(self) -> Self:
        return self

    def write(self, content: bytes) -> None:
        self._content += content

    def __exit__(self, *_: object) -> None:
        self._put(self._path, self._content)


@pytest.fixture
def store() -> Iterator[Elsewhere]:
    fsspec.register_implementation("elsewhere", Elsewhere, clobber=True)
    fs = fsspec.filesystem("elsewhere")
    fs.is_away, fs.on_create = False, None
    Elsewhere.store.clear()
    Elsewhere.pseudo_dirs[:] = [""]
    yield fs
    Elsewhere.clear_instance_cache()


@pytest.fixture
def registry(store: Elsewhere, small: Path) -> Registry:
    made = Registry("elsewhere://bucket/models")
    register(made, small)
    register(made, small)
    made.set_alias("encoder", "champion", 1)
    return made


class TestOutOfReach:
    @pytest.mark.parametrize(
        "ask",
        [
            lambda registry, _: registry.state("encoder"),
            lambda registry, _: registry.versions("encoder"),
            lambda registry, _: registry.manifest("encoder", 1),
            lambda registry, _: registry.note("encoder", 1, "decision.json"),
            lambda registry, _: registry.add_note("encoder", 1, "decision.json", b"{}"),
            lambda registry, cache: registry.fetch("encoder", 1, cache),
        ],
    )
    def test_whoever_asks_is_told_so(
        self, store: Elsewhere, registry: Registry, ask: Callable[[Registry, Path], object], tmp_path: Path
    ) -> None:
        store.is_away = True
        with pytest.raises(OSError, match="OutOfReachError: no route to") as caught:
            ask(registry, tmp_path)
        assert "S3cretPw" not in str(caught.value)

    @pytest.mark.parametrize("error", [OutOfReachError("cut"), RuntimeError("cut"), ValueError("cut")])
    def test_while_a_file_is_read(self, store: Elsewhere, registry: Registry, error: Exception) -> None:
        def read_some() -> None:
            with Store(store).open(registry._path("encoder", 1, "report.md"), "rb") as file:
                assert file.read(1) == b"#"
                raise error

        with pytest.raises(OSError, match=f"{type(error).__name__}: cut"):
            read_some()

    def test_what_is_not_there_and_what_is_refused_stay_what_they_are(self, registry: Registry) -> None:
        assert registry.versions("other") == []
        assert registry.note("encoder", 1, "other.json") is None
        with pytest.raises(VersionError, match="does not exist"):
            registry.manifest("encoder", 3)

    def test_an_error_of_the_program_is_no_fault_of_the_store(self, store: Elsewhere) -> None:
        with pytest.raises(TypeError):
            Store(store).ls()


class TestCreation:
    @pytest.mark.parametrize("said", [OSError(22, "At least one of the preconditions did not hold"), FileExistsError()])
    def test_of_two_that_change_at_once_one_is_told(self, store: Elsewhere, registry: Registry, said: OSError) -> None:
        before = registry.state("encoder")

        def refuse(path: str, _: bytes) -> None:
            MemoryFileSystem.pipe_file(store, path, b'{"champion": 1, "challenger": 2}')
            raise said

        store.on_create = refuse
        with pytest.raises(AliasConflictError, match="says champion 1, challenger 2 now"):
            registry.change("encoder", before, {"champion": 2}, _remark())

    def test_a_number_that_is_taken_is_passed_over(self, store: Elsewhere, registry: Registry, small: Path) -> None:
        def refuse_one(path: str, content: bytes) -> None:
            if path.endswith("/3/.claim"):
                MemoryFileSystem.pipe_file(store, path, b"another's")
                raise OSError(22, "At least one of the preconditions did not hold")
            MemoryFileSystem.pipe_file(store, path, content)

        store.on_create = refuse_one
        assert register(registry, small) == 4

    def test_a_change_whose_answer_was_lost_was_made(self, store: Elsewhere, registry: Registry) -> None:
        def lose(path: str, content: bytes) -> None:
            MemoryFileSystem.pipe_file(store, path, content)
            # A client tries again by itself.
            raise FileExistsError(path)

        store.on_create = lose
        state = registry.change("encoder", registry.state("encoder"), {"champion": 2}, _remark())
        assert registry.state("encoder") == state

    def test_what_could_not_be_put_is_told_as_it_is(self, store: Elsewhere, registry: Registry) -> None:
        def refuse(_: str, __: bytes) -> None:
            raise PermissionError("read only")

        store.on_create = refuse
        with pytest.raises(PermissionError, match="read only"):
            registry.change("encoder", registry.state("encoder"), {"champion": 2}, _remark())


def _remark() -> Remark:
    return Remark("somebody", datetime.now(UTC), "a test")
