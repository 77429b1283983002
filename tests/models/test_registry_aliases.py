"""Which version is champion, challenger or previous: set by one process or by many, and fallen back on."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs
from support.registering import change, read, register

from models import atomic
from models.aliases import AliasConflictError
from models.manifest import VersionError
from models.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path


class TestAliases:
    def test_a_new_champion_makes_the_old_one_previous(self, registry: Registry, small: Path) -> None:
        for _ in range(2):
            register(registry, small)
        registry.set_alias("encoder", "champion", 1)
        registry.set_alias("encoder", "challenger", 2)
        assert registry.aliases("encoder") == {"champion": 1, "challenger": 2}
        registry.set_alias("encoder", "champion", 2)
        registry.set_alias("encoder", "champion", 2)
        assert registry.aliases("encoder") == {"champion": 2, "previous": 1}

    @pytest.mark.parametrize("before", [1, None])
    def test_a_challenge_ends_with_the_champion_by_which_it_was_judged(
        self, registry: Registry, small: Path, before: int | None
    ) -> None:
        for _ in range(3):
            register(registry, small)
        if before is not None:
            registry.set_alias("encoder", "champion", before)
        registry.set_alias("encoder", "challenger", 2)
        if before is not None:
            registry.set_alias("encoder", "champion", before)
            assert registry.aliases("encoder") == {"champion": 1, "challenger": 2}
        registry.set_alias("encoder", "champion", 3)
        assert registry.state("encoder").aliases.challenger is None
        assert registry.state("encoder").aliases.previous == before

    def test_resolve(self, registry: Registry, small: Path) -> None:
        register(registry, small)
        registry.set_alias("encoder", "champion", 1)
        assert registry.resolve("encoder", "champion") == registry.resolve("encoder", "1") == 1
        with pytest.raises(VersionError, match=r"no version of encoder is challenger .*versions: 1"):
            registry.resolve("encoder", "challenger")
        with pytest.raises(VersionError, match="'best' is neither"):
            registry.resolve("encoder", "best")

    def test_no_alias_for_what_is_not_there(self, registry: Registry, small: Path) -> None:
        register(registry, small)
        with pytest.raises(VersionError, match="version 2 of encoder does not exist"):
            registry.set_alias("encoder", "champion", 2)
        with pytest.raises(VersionError, match="'best' is none of the aliases"):
            registry.set_alias("encoder", "best", 1)

    def test_a_corrupt_file_of_aliases(self, registry: Registry, small: Path) -> None:
        register(registry, small)
        registry.set_alias("encoder", "champion", 1)
        change(registry, "aliases/1.json", b'{"champion": "1"}')
        with pytest.raises(VersionError, match=r"aliases/1\.json: Expected `int \| null`"):
            registry.resolve("encoder", "champion")

    def test_what_was_decided_on_another_champion_is_refused(self, registry: Registry, small: Path) -> None:
        for _ in range(3):
            register(registry, small)
        registry.set_alias("encoder", "champion", 1, expected=None)
        registry.set_alias("encoder", "champion", 2, expected=1)
        with pytest.raises(AliasConflictError, match="champion of encoder is 2 by now and no longer 1, so version 3"):
            registry.set_alias("encoder", "champion", 3, expected=1)
        with pytest.raises(AliasConflictError, match="is 2 by now and no longer unset"):
            registry.set_alias("encoder", "champion", 3, expected=None)
        with pytest.raises(AliasConflictError, match="challenger of encoder is not set by now and no longer 1"):
            registry.set_alias("encoder", "challenger", 3, expected=1)
        assert registry.aliases("encoder") == {"champion": 2, "previous": 1}

    def test_of_two_changes_at_one_moment_the_later_is_refused(
        self, registry: Registry, small: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for _ in range(3):
            register(registry, small)
        registry.set_alias("encoder", "champion", 1)

        def too_late(fs: Any, path: str, content: bytes) -> None:  # noqa: ANN401
            monkeypatch.undo()
            Registry(registry.url).set_alias("encoder", "challenger", 2)
            atomic.create(fs, path, content)

        monkeypatch.setattr("models.aliases.create", too_late)
        told = "changed by another process .* says champion 1, challenger 2 now; champion 3, previous 1 was not set"
        with pytest.raises(AliasConflictError, match=told):
            registry.set_alias("encoder", "champion", 3)
        assert registry.aliases("encoder") == {"champion": 1, "challenger": 2}

    def test_a_draft_of_a_state_is_none(self, small: Path, tmp_path: Path) -> None:
        registry = Registry(str(tmp_path / "registry"))
        register(registry, small)
        registry.set_alias("encoder", "champion", 1)
        folder = tmp_path / "registry/encoder/aliases"
        assert [path.name for path in folder.iterdir()] == ["1.json"], "a draft was left behind"
        (folder / "2.json.0123.tmp").write_text("{")
        assert registry.aliases("encoder") == {"champion": 1}


class TestLinks:
    """By which a folder's states are created."""

    def test_one_whose_answer_was_lost_was_made(
        self, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        registry = Registry(str(tmp_path / "registry"))
        register(registry, small)
        link = os.link

        def link_twice(source: Path, target: str) -> None:
            link(source, target)
            link(source, target)

        monkeypatch.setattr(os, "link", link_twice)
        registry.set_alias("encoder", "champion", 1)
        assert registry.aliases("encoder") == {"champion": 1}
        assert [path.name for path in (tmp_path / "registry/encoder/aliases").iterdir()] == ["1.json"]

    def test_a_file_system_without_them_is_told_of(
        self, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> None:
            raise PermissionError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
        with pytest.raises(
            OSError, match=r"registry/encoder/1 lies on a file system without hard links.*model\.registry"
        ):
            register(Registry(str(tmp_path / "registry")), small)


class TestFallback:
    def test_previous_serves_where_the_champion_is_refused(
        self, registry: Registry, small: Path, tmp_path: Path
    ) -> None:
        for version in (register(registry, small), register(registry, small)):
            registry.set_alias("encoder", "champion", version)
        cache = tmp_path / "cache"
        assert registry.resolve_and_fetch("encoder", "champion", cache)[0] == 2
        change(registry, "2/manifest.json", read(registry, "2/manifest.json")[:-9])
        with capture_logs() as logs:
            assert registry.resolve_and_fetch("encoder", "champion", cache)[0] == 1
        assert [(log["log_level"], log["champion"], log["previous"]) for log in logs] == [("warning", 2, 1)]
        with pytest.raises(VersionError, match=r"2/manifest\.json"):
            registry.resolve_and_fetch("encoder", "2", cache)

    def test_previous_serves_where_the_champion_will_not_load(
        self, registry: Registry, small: Path, tmp_path: Path
    ) -> None:
        for version in (register(registry, small), register(registry, small)):
            registry.set_alias("encoder", "champion", version)

        def load(folder: Path) -> str:
            manifest = json.loads((folder / "manifest.json").read_text())
            if manifest["version"] == 2:
                raise VersionError("will not")
            return "loaded"

        assert registry.resolve_and_load("encoder", "champion", tmp_path / "cache", load) == (1, "loaded")

    def test_nothing_to_fall_back_on(self, registry: Registry, small: Path, tmp_path: Path) -> None:
        registry.set_alias("encoder", "champion", register(registry, small))
        change(registry, "1/report.md", b"")
        with pytest.raises(VersionError, match=r"report\.md"):
            registry.resolve_and_fetch("encoder", "champion", tmp_path / "cache")


def _promote_some(url: str, start: Any) -> int:  # noqa: ANN401  a barrier's proxy has no type
    start.wait(30)
    registry = Registry(url)
    promoted = 0
    for attempt in range(100):
        try:
            registry.set_alias("encoder", "champion", 1 + attempt % 2)
        except AliasConflictError:
            continue
        promoted += 1
    return promoted


def test_processes_that_promote_at_once_lose_no_change_unawares(small: Path, tmp_path: Path) -> None:
    url = str(tmp_path / "registry")
    registry = Registry(url)
    for _ in range(2):
        register(registry, small)
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, context.Pool(2) as pool:
        barrier = manager.Barrier(2)
        promoted = pool.starmap(_promote_some, [(url, barrier)] * 2, chunksize=1)
    # Each change that was not refused is a state of its own, and all of them are there.
    states = sorted(int(path.stem) for path in (tmp_path / "registry/encoder/aliases").glob("*.json"))
    assert states == list(range(1, sum(promoted) + 1))
