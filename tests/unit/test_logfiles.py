"""The line that an older log begins with."""

from hypothesis import given
from hypothesis import strategies as st

from outlast.core.logfiles import LONGEST_LINE, first_line, gone_before


@given(st.integers(0, 10**15), st.binary(max_size=300))
def test_it_is_read_back_whatever_follows(gone: int, output: bytes) -> None:
    line = first_line(gone)

    assert len(line) <= LONGEST_LINE
    assert gone_before((line + output)[:LONGEST_LINE]) == (gone, len(line))


@given(st.binary(max_size=300))
def test_output_without_it_is_all_output(output: bytes) -> None:
    assert gone_before(output) == (0, 0) or output.startswith(b"== output before this")
