from __future__ import annotations

from functools import reduce

from hypothesis import given
from hypothesis import strategies as st
from support.properties import quick

from streams.logic.surge.telling import label_fingerprint


def test_the_fingerprint_is_prometheus() -> None:
    """Known values of github.com/prometheus/common/model, signature_test.go."""
    assert label_fingerprint({}) == f"{14695981039346656037:016x}"
    labels = {"name": "garland, briggs", "fear": "love is not enough"}
    assert label_fingerprint(labels) == f"{5799056148416392346:016x}"


@quick
@given(st.dictionaries(st.text(max_size=5), st.text(max_size=8), max_size=5))
def test_it_is_fnv_1a_over_names_and_values_in_order(labels: dict[str, str]) -> None:
    stream = b"".join(name.encode() + b"\xff" + labels[name].encode() + b"\xff" for name in sorted(labels))
    hashed = reduce(lambda value, byte: ((value ^ byte) * 0x100000001B3) % 2**64, stream, 0xCBF29CE484222325)
    assert label_fingerprint(dict(reversed(labels.items()))) == f"{hashed:016x}"
