"""The model owner's actions: what they call, and what they refuse."""

from __future__ import annotations

import pytest
from support.desk import NOON, make_retraining

from models.aliases import AliasConflictError
from streams.contract.model_records import ModelPointer
from streams.desk.actions import serving
from streams.desk.actions.office import ActionError


def test_the_champion_that_the_page_showed_is_told_so_that_a_late_click_changes_nothing() -> None:
    calls: list[tuple[object, ...]] = []
    pointer = ModelPointer(model="encoder", alias="champion", version=1, epoch=5, time=NOON, by="ann")

    def roll_back(*given: object) -> ModelPointer:
        calls.append(given)
        return pointer

    def promote(*_: object) -> ModelPointer:
        raise AliasConflictError("the champion is 3 by now")

    actions = serving.ServingActions(make_retraining(roll_back=roll_back, promote=promote))
    assert actions.roll_back(serving.RollBack(by="ann", champion=2, reason="worse")) == {"version": 1, "epoch": 5}
    assert calls == [("ann", "worse", 2)]
    with pytest.raises(ActionError, match="by now") as refused:
        actions.promote(serving.Promote(by="ann", version=2, champion=1))
    assert refused.value.status == 409


def test_a_registry_that_is_away_is_told_as_that() -> None:
    def away(*_: object) -> ModelPointer:
        raise PermissionError(13, "Permission denied", "/models")

    actions = serving.ServingActions(make_retraining(roll_back=away))
    with pytest.raises(ActionError, match="the model registry cannot be read or written") as refused:
        actions.roll_back(serving.RollBack(by="ann", champion=2))
    assert refused.value.status == 503
