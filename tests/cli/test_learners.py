"""What calls for a run of each model is in the settings."""

from __future__ import annotations

import pickle

import pytest

from streams.cli.learners import learners
from streams.contract.service_settings import GeneratorSettings
from streams.contract.settings import Settings
from streams.contract.topics import documents_topic


@pytest.mark.usefixtures("clean_environment")
def test_the_generator_learns_on_demand_alone_unless_the_settings_say_more() -> None:
    settings = Settings()
    learner = learners(settings)["generator"]
    assert (learner.cron, learner.enough, learner.idles, learner.on_drift) == ("", 0, True, False)
    told = settings.model_copy(
        update={"generator": GeneratorSettings(learn_cron="0 2 * * 6", min_new_documents=40, name="writer")}
    )
    learner = learners(told)["writer"]
    assert (learner.cron, learner.cron_setting, learner.enough) == ("0 2 * * 6", "generator.learn_cron", 40)
    assert (learner.topic, learner.counted, learner.what) == (documents_topic(told.topics), "offsets", "documents")
    # It goes to the process that runs it.
    assert pickle.loads(pickle.dumps(learner)).own_settings.model.name == "writer"  # noqa: S301  our own
