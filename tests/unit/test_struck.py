"""The verdict over a queue that was struck is read from what its jobs have said; here it is said by hand."""

import pytest

from bench.peers.judging import judged

WHOLE = ["in a 0 1", "did a 0 1", "in a 1 1", "did a 1 1", "end a 0 1"]


@pytest.mark.parametrize(
    ("diary", "found"),
    [
        (WHOLE, {}),
        (WHOLE[:-1], {"lost": 1}),
        ([*WHOLE[:-1], "end a 0 2"], {}),
        ([*WHOLE[:3], "in a 1 2", "did a 1 2", "end a 0 2"], {}),
        ([*WHOLE[:2], "in a 0 2", "did a 0 2", "end a 0 2"], {"redone": 1}),
        ([*WHOLE[:3], "in a 1 2", "did a 1 1", "end a 0 1"], {"twice": 1}),
        ([*WHOLE, "in a 0 2"], {"after": 1}),
    ],
    ids=["whole", "lost", "ended by the next", "gone on with", "redone", "twice", "after"],
)
def test_what_is_found(diary: list[str], found: dict[str, int]) -> None:
    none = {"lost": 0, "redone": 0, "twice": 0, "after": 0}

    assert judged(["a"], "\n".join(diary)) == none | found
