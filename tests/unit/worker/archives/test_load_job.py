"""Messages between the process that waits and the one that reads come as they were sent."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.archives.load_job import Format, LoadJob, LoadReport, Outcome

TEXT = st.text(max_size=12)
JOBS = st.builds(
    LoadJob,
    fd=st.integers(3, 99),
    parent=st.integers(1, 10**6),
    database_url=TEXT,
    forum=TEXT,
    name=TEXT,
    form=st.none() | st.sampled_from(Format),
    chosen=st.dictionaries(TEXT, TEXT, max_size=3),
    reading=st.dictionaries(TEXT, TEXT | st.booleans() | st.lists(TEXT, max_size=2), max_size=3),
    top_k=st.integers(1, 100),
    delete_missing=st.booleans(),
    with_erased=st.booleans(),
    memory_bytes=st.integers(0, 1 << 40),
    disk_bytes=st.integers(0, 1 << 40),
)
REPORTS = st.builds(
    LoadReport,
    outcome=st.sampled_from(Outcome),
    archive_id=st.none() | st.integers(1, 1 << 40),
    reason=TEXT,
)


@given(JOBS)
def test_a_job_is_one_line_and_comes_as_it_was_sent(job: LoadJob) -> None:
    line = job.encoded()

    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert LoadJob.decoded(line) == job


@given(REPORTS)
def test_a_report_is_one_line_and_comes_as_it_was_sent(report: LoadReport) -> None:
    line = report.encoded()

    assert line.count(b"\n") == 1
    assert LoadReport.decoded(line) == report


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"Traceback (most recent call last):\n",
        b"[]\n",
        b"7\n",
        b"null\n",
        b"{}\n",
        b'{"outcome": "well"}\n',
        b'{"outcome": "stored", "more": 1}\n',
        b"\xff\n",
        b'"stored"\n',
    ],
)
def test_a_line_that_is_no_report_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        LoadReport.decoded(line)


@given(JOBS)
def test_a_job_of_an_older_version_lacks_what_has_a_default(job: LoadJob) -> None:
    values = json.loads(job.encoded())
    for name in ("reading", "delete_missing", "with_erased"):
        del values[name]

    found = LoadJob.decoded(json.dumps(values).encode())

    assert (found.reading, found.delete_missing, found.with_erased) == ({}, False, False)
