"""Ids come back as they were packed."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from db.packed_ids import in_order, of_eight_bytes, packed, unpacked

IDS = st.lists(st.integers(1, 2**62))


@given(IDS)
def test_ids_are_put_in_order_and_come_back(ids: list[int]) -> None:
    ordered = in_order(ids)

    assert ordered.tolist() == sorted(set(ids))
    assert in_order(np.array(ids, np.int64)).tolist() == ordered.tolist()
    assert unpacked(packed(ordered)).tolist() == ordered.tolist()


@given(IDS)
def test_ids_of_eight_bytes_are_those_of_postgres(ids: list[int]) -> None:
    sent = b"".join(one.to_bytes(8, "big") for one in ids)

    assert of_eight_bytes(sent).tolist() == ids
