"""Every action by the path under which the page calls it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from streams.desk.actions import answering, labelling, opinion, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streams.desk.actions.office import Asked, Office
    from streams.desk.ports import Retraining


class Action(NamedTuple):
    """What the page may ask for."""

    asks: type[Asked]
    do: Callable[[Any], dict[str, Any]]


def all_actions(office: Office, retraining: Retraining) -> Mapping[str, Action]:
    """The actions by path, below ``/api/``."""
    opinions, labels = opinion.OpinionActions(office), labelling.LabellingActions(office)
    answers, models = answering.AnsweringActions(office), serving.ServingActions(retraining)
    return {
        "silences/add": Action(opinion.AddSilence, opinions.add_silence),
        "silences/expire": Action(opinion.ExpireSilence, opinions.expire_silence),
        "alerts/false-alarm": Action(opinion.FalseAlarm, opinions.false_alarm),
        "alerts/no-false-alarm": Action(opinion.WithdrawFalseAlarm, opinions.withdraw_false_alarm),
        "watchlist/add": Action(opinion.AddWatch, opinions.add_watch),
        "watchlist/remove": Action(opinion.RemoveWatch, opinions.remove_watch),
        "labels/add": Action(labelling.GiveLabel, labels.label),
        "labels/withdraw": Action(labelling.WithdrawLabel, labels.withdraw),
        "retrain": Action(labelling.AskForRun, labels.ask_for_run),
        "replies/answer": Action(answering.Answer, answers.answer),
        "conversations/take-over": Action(answering.TakeOver, answers.take_over),
        "conversations/hand-over": Action(answering.HandOver, answers.hand_over),
        "conversations/hand-back": Action(answering.HandBack, answers.hand_back),
        "models/roll-back": Action(serving.RollBack, models.roll_back),
        "models/promote": Action(serving.Promote, models.promote),
    }
