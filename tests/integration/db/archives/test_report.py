"""What an archive's report says."""

from typing import ClassVar

from db.archives import report
from tests.integration.db.two_forums import Calls, TwoForums


class TestTwoForums(TwoForums):
    module = report
    calls: ClassVar[Calls] = {
        "pairs_of": lambda session, own: list(report.pairs_of(session, own.archive)),
        "ages": lambda session, own: report.ages(session, own.archive),
        "links_over": lambda session, own: report.links_over(
            session, own.archive, own.bi_encoder.id, floor=0.1
        ),
    }
