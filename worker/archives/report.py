"""The report of a mined archive: counts, groups, pairs by score, recall and precision."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from db.archives import archives, results
from db.archives import report as archive_report
from db.archives import units as archive_units
from db.archives.archives import ArchiveRow, Stage
from db.archives.units import StageProgress
from db.tenants import forums
from db.tenants.rows import CalibrationRow
from db.vectors import models
from db.wording import counted
from worker.adapting import calibrating
from worker.archives.grouping import Group, Grouping, Link, group
from worker.scoring.calibration import Calibration
from worker.scoring.recalibration import Line

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
_LARGEST = 20
"""Most groups that the report lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The content of a report, ready for JSON."""

    archive: str
    forum: str
    form: str
    state: str
    questions: int
    created: int
    changed: int
    unchanged: int
    rejected: int
    pairs: int
    by_kind: Mapping[str, int]
    by_score: Mapping[str, int]
    """Pairs kept at or above each score; below the threshold nothing is kept."""
    threshold: float
    histogram: Sequence[int]
    """All pairs that the CrossEncoder read, by probability, in equal bins from 0 to 1."""
    groups: int
    grouped: int
    group_sizes: Mapping[str, int]
    largest: Sequence[Mapping[str, Any]]
    chained: int
    """Groups in which one question hangs on the weakest link alone; see `grouping`."""
    cut: int
    """Weak links at which groups were split."""
    candidates: int
    """Near pairs, before the cut."""
    reranked: int
    """Pairs that the CrossEncoder read: the others had no chance to reach the threshold."""
    crowded: int
    """Questions with more candidates than top-k."""
    set_aside: int
    stages_s: Mapping[str, float]
    slowest: str
    elapsed_s: float
    recall: str
    precision: str
    """The precision of the forum's flags from its moderators' decisions, as a sentence."""

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return asdict(self)


def make_report(session: Session, archive_id: int) -> Report:
    """Return the report of an archive; raises `ArchiveNotFoundError`."""
    archive = archives.get(session, archive_id)
    forum = forums.find_forums(session, {archive.forum_id})[archive.forum_id]
    stages = {one.stage: one for one in archive_units.progress(session, archive_id)}
    found = list(archive_report.pairs_of(session, archive_id))
    titles = {pair.low_id: pair.low_title for pair in found}
    titles |= {pair.high_id: pair.high_title for pair in found}
    grouping = group(
        [Link(pair.low_id, pair.high_id, pair.score) for pair in found],
        threshold=0.0,
        age=archive_report.ages(session, archive_id, by=forum.canonical_by),
    )
    threshold = archive.threshold or 0.0
    histogram = results.histogram(session, archive_id)
    took = {str(stage): round(one.took_s, 1) for stage, one in stages.items()}
    return Report(
        archive=archive.name,
        forum=forum.name,
        form=archive.form,
        state=archive.state,
        questions=archive.created + archive.changed + archive.unchanged,
        created=archive.created,
        changed=archive.changed,
        unchanged=archive.unchanged,
        rejected=archive.rejected,
        pairs=len(found),
        by_kind=dict(Counter(pair.kind for pair in found)),
        by_score={
            str(least): sum(pair.score >= least for pair in found)
            for least in THRESHOLDS
            if least >= threshold
        },
        threshold=round(threshold, 4),
        histogram=histogram,
        **_groups(grouping, titles),
        candidates=_found(stages, Stage.SEARCH),
        reranked=sum(histogram),
        crowded=_found(stages, Stage.RANK),
        set_aside=sum(one.failed for one in stages.values()),
        stages_s=took,
        slowest=max(took, key=lambda stage: took[stage]) if took else "",
        elapsed_s=_elapsed(archive),
        recall=_recall(session, archive, forum.calibration, _found(stages, Stage.RANK)),
        precision=calibrating.assurance(session, forum).sentences,
    )


def _found(stages: Mapping[Stage, StageProgress], stage: Stage) -> int:
    return stages[stage].found if stage in stages else 0


def _groups(grouping: Grouping, titles: Mapping[int, str]) -> dict[str, Any]:
    sizes = Counter(len(one.members) for one in grouping.groups)
    return {
        "groups": len(grouping.groups),
        "grouped": sum(len(one.members) for one in grouping.groups),
        "group_sizes": {str(size): sizes[size] for size in sorted(sizes)},
        "largest": [
            {
                "size": len(one.members),
                "canonical": titles[one.canonical],
                "weakest": round(one.weakest, 3),
                "chained": _is_chained(one),
            }
            for one in grouping.groups[:_LARGEST]
        ],
        "chained": sum(_is_chained(one) for one in grouping.groups),
        "cut": len(grouping.cut),
    }


def _is_chained(one: Group) -> bool:
    return one.chained and one.weakest < 1.0  # a link of people, or the same text


def _floor(session: Session, archive: ArchiveRow, learnt: CalibrationRow | None) -> float:
    """Return the floor of the archive's threshold, with the forum's calibration *learnt*."""
    known = {model.id: model for model in models.list_models(session)}
    reranker = known.get(archive.reranker_id or 0)
    bi_encoder = known.get(archive.bi_encoder_id or 0)
    held = Calibration.of((reranker and reranker.calibration) or Calibration().as_dict())
    rule = held.for_bi_encoder("" if bi_encoder is None else bi_encoder.digest)
    threshold, ids = archive.threshold, (archive.reranker_id, archive.bi_encoder_id)
    if threshold is None:
        return rule.cosine_floor
    if (
        learnt is not None
        and learnt.is_for(reranker_id=ids[0], bi_encoder_id=ids[1])
        and learnt.created_at <= archive.created_at
    ):
        threshold = Line(learnt.slope, learnt.shift).undo(threshold)
    return rule.floor(threshold)


def _elapsed(archive: ArchiveRow) -> float:
    end = archive.finished_at or datetime.now(UTC)
    return round((end - archive.created_at).total_seconds(), 1)


def _recall(
    session: Session, archive: ArchiveRow, learnt: CalibrationRow | None, crowded: int
) -> str:
    floor = _floor(session, archive, learnt)
    sentence = (
        "Every pair of questions was compared exactly, none by an approximate index. Missed are"
        f" duplicates whose cosine lies under {floor:.2g}, and those that the CrossEncoder scores"
        " under the threshold."
    )
    if crowded:
        sentence += (
            f" Of {counted(crowded, 'crowded question')} only the {archive.top_k} nearest were"
            " looked at, and those to which they are near themselves."
        )
    if archive.bi_encoder_id is not None:
        total, over = archive_report.links_over(
            session, archive.id, archive.bi_encoder_id, floor=floor
        )
        if total:
            sentence += (
                f" Of the {counted(total, 'duplicate')} that the forum's own people had linked,"
                f" {counted(over, 'has', 'have')} a cosine of at least {floor:.2g}."
            )
    return sentence
