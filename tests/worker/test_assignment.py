"""How the workers of a group share the partitions of its topics."""

from __future__ import annotations

import zlib

import pytest
from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.protocol import ConsumerProtocolMemberMetadata
from faust.assignor.client_assignment import ClientAssignment, ClientMetadata

from streams.contract.settings import Settings
from streams.worker.application import build_application


@pytest.mark.parametrize(
    ("partitions", "shares"), [(4, [[4], [2, 2], [2, 1, 1], [1, 1, 1, 1]]), (2, [[2], [1, 1], [1, 1, 0]])]
)
def test_workers_that_join_share_the_partitions_evenly(partitions: int, shares: list[list[int]]) -> None:
    # Faust's assignor keeps what a member had; with its own default a third worker would get none of 4 partitions.
    assignor = build_application(Settings()).assignor
    topics = ["news", "signals"]
    cluster = ClusterMetadata()
    cluster.partitions_for_topic = lambda _: set(range(partitions))  # all that the assignor asks
    held: dict[str, ClientAssignment] = {}
    for share in shares:
        members = {
            f"worker-{number}": ConsumerProtocolMemberMetadata(
                assignor.version,
                topics,
                ClientMetadata(
                    assignment=held.get(f"worker-{number}") or ClientAssignment(actives={}, standbys={}),
                    url="",
                    changelog_distribution={},
                ).dumps(),
            )
            for number in range(len(share))
        }
        assigned = assignor.assign(cluster, members)
        held = {
            member: ClientMetadata.loads(zlib.decompress(told.user_data)).assignment
            for member, told in assigned.items()
        }
        for topic in topics:
            parts = [assignment.actives[topic] for assignment in held.values()]
            assert sorted(map(len, parts), reverse=True) == share
            assert sorted(number for part in parts for number in part) == list(range(partitions))
