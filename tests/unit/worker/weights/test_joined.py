import io
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from worker.weights.joined import joined

PARTS = st.lists(st.binary(max_size=30), min_size=1, max_size=5)
READS = st.lists(st.tuples(st.integers(0, 160), st.integers(-1, 40)), max_size=6)


@given(parts=PARTS, reads=READS)
def test_parts_read_as_the_whole_that_they_are_parts_of(
    parts: list[bytes], reads: list[tuple[int, int]]
) -> None:
    whole = io.BytesIO(b"".join(parts))
    with TemporaryDirectory() as folder:
        paths = [Path(folder) / str(number) for number in range(len(parts))]
        for path, part in zip(paths, parts, strict=True):
            path.write_bytes(part)

        with joined(paths) as stream:
            for place, size in reads:
                assert stream.seek(place) == whole.seek(place)
                assert stream.read(size) == whole.read(size)
            assert stream.seek(0, io.SEEK_END) == list(accumulate(map(len, parts)))[-1]
