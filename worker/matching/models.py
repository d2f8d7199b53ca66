"""The two models with their rows in the database, and the limits of a search."""

from dataclasses import dataclass

from db.rows import Provenance
from db.tenants.rows import CalibrationRow, ForumRow
from db.vectors.rows import ModelRow
from worker.inference.encoder import Encoder
from worker.inference.reranker import Reranker
from worker.matching.matcher import Matcher
from worker.scoring.recalibration import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """The two models with their rows in the database."""

    encoder: Encoder
    reranker: Reranker
    bi_encoder: ModelRow
    cross_encoder: ModelRow

    def threshold(self, forum: ForumRow) -> float:
        """Return the probability at which a pair is flagged in *forum*."""
        own = self.reranker.calibration.for_bi_encoder(self.encoder.digest).threshold
        return own if forum.threshold is None else forum.threshold

    def matcher(self, forum: ForumRow) -> Matcher:
        """Return the models with the threshold and the calibration of *forum*."""
        learnt = self._learnt(forum)
        return Matcher(
            encoder=self.encoder,
            reranker=self.reranker,
            threshold=self.threshold(forum),
            line=None if learnt is None else Line(learnt.slope, learnt.shift),
        )

    def provenance(self, forum: ForumRow) -> Provenance:
        """Return the models and the threshold of findings in *forum*."""
        learnt = self._learnt(forum)
        return Provenance(
            bi_encoder_id=self.bi_encoder.id,
            reranker_id=self.cross_encoder.id,
            threshold=self.threshold(forum),
            observe_only=forum.observe_only,
            calibration_id=learnt.id if learnt is not None else None,
        )

    def _learnt(self, forum: ForumRow) -> CalibrationRow | None:
        """Return the calibration of *forum*, if it belongs to these models."""
        learnt = forum.calibration
        ids = {"reranker_id": self.cross_encoder.id, "bi_encoder_id": self.bi_encoder.id}
        return learnt if learnt is not None and learnt.is_for(**ids) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of a question's search, and of the reading of its candidates."""

    candidates: int = 100
    """Most candidates of a question."""
    kept: int = 10
    """Most pairs that are kept for a question."""
