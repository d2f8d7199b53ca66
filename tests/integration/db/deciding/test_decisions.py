from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from db.deciding import decisions
from db.deciding.decisions import NotYoursError, StaleVersionError, UndoneAlreadyError, Verdict
from db.errors import InvalidInputError, PairNotFoundError
from db.groups import groups
from db.groups.groups import WouldMergeError
from db.pairs import pairs
from db.pairs.rows import Finding
from db.questions import questions
from db.review import attention
from db.review import queue as review
from db.review.queue import QueueFilter, Sort
from db.rows import PairKind, PairStatus, Provenance
from db.tables.pairs import Event, Pair
from db.tables.questions import Job, Question
from db.tables.review import Claim, Decision
from tests.rows.review import Seeded, flag, say, seed_questions, version_of

FIVE_MINUTES = timedelta(minutes=5)


@pytest.fixture
def seeded(session: Session) -> Seeded:
    return seed_questions(session, *(f"How do I boil egg {n}" for n in range(8)))


def members(session: Session, seeded: Seeded) -> list[list[int]]:
    """Return the groups as places of questions, each with its canonical one first."""
    listed = groups.list_groups(session, seeded.forum.id)
    found = [groups.get_group(session, seeded.forum.id, row.id) for row in listed]
    return sorted([seeded.questions.index(m.id) for m in group.members] for group in found)


def test_a_decision_changes_the_pair_and_tells_of_it(session: Session, seeded: Seeded) -> None:
    pair = flag(session, seeded, 0, 1)

    done = say(session, seeded, pair, PairStatus.NOT_DUPLICATE)

    stage = review.get_stage(session, seeded.forum.id, pair)
    assert (stage.status, stage.decided_by, stage.version) == ("not_duplicate", "ana", 2)
    events = session.execute(select(Event.kind, Event.actor, Event.data)).all()
    data = {"decision": "not_duplicate", "decision_id": done.id}
    assert [tuple(row) for row in events] == [("pair.decided", "ana", data)]


def test_a_decision_on_an_older_version_is_refused_with_both_versions(
    session: Session, seeded: Seeded
) -> None:
    pair = flag(session, seeded, 0, 1)
    say(session, seeded, pair, PairStatus.RELATED, actor="ben")

    with pytest.raises(StaleVersionError, match="now it is version 2: related by ben") as e:
        decisions.decide(
            session,
            seeded.forum.id,
            pair,
            Verdict(status=PairStatus.DUPLICATE, version=1),
            actor="ana",
        )

    assert (e.value.seen, e.value.current.version) == (1, 2)
    assert review.get_stage(session, seeded.forum.id, pair).status is PairStatus.RELATED


def test_undo_restores_what_stood_before_and_is_a_decision_of_its_own(
    session: Session, seeded: Seeded
) -> None:
    pair = flag(session, seeded, 0, 1)
    done = say(session, seeded, pair)
    assert members(session, seeded) == [[0, 1]]

    undone = decisions.undo(session, seeded.forum.id, done.id, actor="ana")

    assert (undone.status, undone.group_id) == (PairStatus.FLAGGED, None)
    stage = review.get_stage(session, seeded.forum.id, pair)
    assert (stage.status, stage.decided_by, stage.decided_at) == ("flagged", None, None)
    assert members(session, seeded) == []
    kinds = session.execute(select(Event.kind).order_by(Event.id)).scalars().all()
    assert kinds == ["pair.decided", "group.changed", "pair.undone", "group.changed"]
    written = session.execute(select(Decision.undoes, Decision.undone).order_by(Decision.id)).all()
    assert [tuple(row) for row in written] == [(None, True), (done.id, False)]


@pytest.mark.parametrize("edited", [0, 1, None])
def test_what_comes_back_about_an_edited_text_is_checked_again(
    session: Session, seeded: Seeded, edited: int | None
) -> None:
    pair = flag(session, seeded, 0, 1)
    done = say(session, seeded, pair, PairStatus.RELATED, actor="ben")
    ids = [] if edited is None else [seeded.questions[edited]]
    session.execute(update(Question).where(Question.id.in_(ids)).values(text_version=2))

    decisions.undo(session, seeded.forum.id, done.id, actor="ben")

    assert session.execute(select(Job.question_id)).scalars().all() == ids


def test_undo_is_for_ones_own_decisions_once_and_never_over_a_later_one(
    session: Session, seeded: Seeded
) -> None:
    pair, other = flag(session, seeded, 0, 1), flag(session, seeded, 2, 3)
    done = say(session, seeded, pair)
    early = say(session, seeded, other)
    say(session, seeded, other, PairStatus.RELATED, actor="ben")

    with pytest.raises(NotYoursError):
        decisions.undo(session, seeded.forum.id, done.id, actor="ben")
    with pytest.raises(StaleVersionError):
        decisions.undo(session, seeded.forum.id, early.id, actor="ana")
    decisions.undo(session, seeded.forum.id, done.id, actor="ben", is_admin=True)
    with pytest.raises(UndoneAlreadyError):
        decisions.undo(session, seeded.forum.id, done.id, actor="ana")


def test_undoing_a_changed_mind_brings_the_first_decision_back(
    session: Session, seeded: Seeded
) -> None:
    pair = flag(session, seeded, 0, 1)
    say(session, seeded, pair, canonical=seeded.questions[1])
    second = say(session, seeded, pair, PairStatus.NOT_DUPLICATE, actor="ben")
    assert members(session, seeded) == []

    undone = decisions.undo(session, seeded.forum.id, second.id, actor="ben")

    assert (undone.pair_id, undone.status) == (pair, PairStatus.DUPLICATE)
    assert undone.group_id == groups.list_groups(session, seeded.forum.id)[0].id

    stage = review.get_stage(session, seeded.forum.id, pair)
    assert (stage.status, stage.decided_by) == ("duplicate", "ana")
    assert stage.canonical_id == seeded.questions[1]
    assert members(session, seeded) == [[0, 1]]


def test_confirmed_pairs_grow_a_group_whose_oldest_question_is_canonical(
    session: Session, seeded: Seeded
) -> None:
    for one, other in ((1, 2), (2, 3), (0, 3)):
        say(session, seeded, flag(session, seeded, one, other))

    assert members(session, seeded) == [[1, 0, 2, 3]]


def test_the_chosen_question_leads_its_group(session: Session, seeded: Seeded) -> None:
    say(session, seeded, flag(session, seeded, 0, 1), canonical=seeded.questions[1])

    assert members(session, seeded) == [[1, 0]]


def test_a_pair_that_would_join_two_groups_says_so_first(session: Session, seeded: Seeded) -> None:
    say(session, seeded, flag(session, seeded, 0, 1))
    say(session, seeded, flag(session, seeded, 2, 3))
    say(session, seeded, flag(session, seeded, 3, 4))
    bridge = flag(session, seeded, 1, 2)

    with pytest.raises(WouldMergeError, match="a group of 2 questions with one of 3") as refused:
        say(session, seeded, bridge)
    assert refused.value.sizes == (2, 3)
    assert members(session, seeded) == [[0, 1], [2, 3, 4]]

    say(session, seeded, bridge, merge=True, canonical=seeded.questions[2])
    assert members(session, seeded) == [[2, 0, 1, 3, 4]]


def test_undoing_a_merge_splits_the_group_again(session: Session, seeded: Seeded) -> None:
    say(session, seeded, flag(session, seeded, 0, 1))
    say(session, seeded, flag(session, seeded, 2, 3))
    bridge = say(session, seeded, flag(session, seeded, 1, 2), merge=True)

    decisions.undo(session, seeded.forum.id, bridge.id, actor="ana")

    assert members(session, seeded) == [[0, 1], [2, 3]]


def test_a_bridge_is_marked_among_the_links_of_a_group(session: Session, seeded: Seeded) -> None:
    for one, other in ((0, 1), (1, 2), (0, 2), (2, 3)):
        say(session, seeded, flag(session, seeded, one, other))
    row = groups.list_groups(session, seeded.forum.id)[0]

    links = groups.get_group(session, seeded.forum.id, row.id).links

    found = {
        (seeded.questions.index(x.low_id), seeded.questions.index(x.high_id)): x for x in links
    }
    assert [edge for edge, link in found.items() if link.is_bridge] == [(2, 3)]


def test_any_member_can_become_canonical_and_a_stranger_cannot(
    session: Session, seeded: Seeded
) -> None:
    say(session, seeded, flag(session, seeded, 0, 1))
    row = groups.list_groups(session, seeded.forum.id)[0]
    forum = seeded.forum.id

    groups.choose_canonical(session, forum, row.id, seeded.questions[1], actor="ana")

    assert members(session, seeded) == [[1, 0]]
    with pytest.raises(InvalidInputError):
        groups.choose_canonical(session, forum, row.id, seeded.questions[5], actor="ana")


def test_a_pair_of_another_forum_does_not_exist_here(session: Session, seeded: Seeded) -> None:
    other = seed_questions(session, "How do I bake", "How to bake", forum="bakers")
    pair = flag(session, other, 0, 1)

    with pytest.raises(PairNotFoundError):
        say(session, seeded, pair)
    with pytest.raises(PairNotFoundError):
        review.get_stage(session, seeded.forum.id, pair)
    with pytest.raises(PairNotFoundError):
        attention.claim(session, seeded.forum.id, [pair], holder="ana", lifetime=FIVE_MINUTES)


def test_a_claim_names_its_holder_until_it_runs_out_or_is_released(
    session: Session, seeded: Seeded
) -> None:
    pair, forum = flag(session, seeded, 0, 1), seeded.forum.id
    attention.claim(session, forum, [pair], holder="ana", lifetime=FIVE_MINUTES)

    later = attention.claim(session, forum, [pair], holder="ben", lifetime=FIVE_MINUTES)
    assert later.holder == "ana"

    session.execute(update(Claim).values(expires_at=Claim.expires_at - FIVE_MINUTES))
    assert attention.active_claims(session, forum) == {}
    taken = attention.claim(session, forum, [pair], holder="ben", lifetime=FIVE_MINUTES)
    assert taken.holder == "ben"

    attention.release(session, forum, holder="ben")
    assert attention.active_claims(session, forum) == {}


def test_the_time_a_decision_took_counts_from_the_claim(session: Session, seeded: Seeded) -> None:
    pair = flag(session, seeded, 0, 1)
    attention.claim(session, seeded.forum.id, [pair], holder="ana", lifetime=FIVE_MINUTES)
    session.execute(update(Claim).values(claimed_at=Claim.claimed_at - timedelta(seconds=30)))

    say(session, seeded, pair)

    assert session.execute(select(Decision.seconds)).scalar_one() == pytest.approx(30, abs=5)


def test_the_queue_steps_over_what_others_have_and_what_was_put_aside(
    session: Session, seeded: Seeded
) -> None:
    ids = [flag(session, seeded, 0, n, score=0.9 - n / 100) for n in range(1, 5)]
    forum = seeded.forum.id
    attention.claim(session, forum, [ids[0]], holder="ben", lifetime=FIVE_MINUTES)
    attention.claim(session, forum, [ids[1]], holder="ana", lifetime=FIVE_MINUTES)
    attention.skip(session, forum, [ids[2]], holder="ana")

    mine = review.list_queue(
        session, forum, QueueFilter(free_for="ana", awake_for="ana"), sort=Sort.CERTAIN
    )

    assert [item.pair_id for item in mine] == [ids[1], ids[3]]
    assert review.count_skipped(session, forum, "ana") == 1
    attention.unskip(session, seeded.forum.id, holder="ana")
    assert review.count_pairs(session, forum, QueueFilter(free_for="ana")) == 3


@pytest.mark.parametrize(
    ("sort", "order"),
    [(Sort.CERTAIN, [2, 1, 0, 3]), (Sort.USEFUL, [3, 2, 1, 0]), (Sort.OLDEST, [0, 1, 2, 3])],
)
def test_pages_of_the_queue_join_without_gap_or_repeat(
    session: Session, seeded: Seeded, sort: Sort, order: list[int]
) -> None:
    scores = (0.7, 0.8, 0.9, 0.6)
    ids = [flag(session, seeded, 0, n, score=score) for n, score in enumerate(scores, start=1)]
    for days, pair in enumerate(ids):
        stamp = Pair.flagged_at + timedelta(days=days)
        session.execute(update(Pair).where(Pair.id == pair).values(flagged_at=stamp))

    first = review.list_queue(session, seeded.forum.id, QueueFilter(), sort=sort, limit=2)
    after = first[-1].pair_id
    rest = review.list_queue(session, seeded.forum.id, QueueFilter(), sort=sort, after=after)

    assert [item.pair_id for item in [*first, *rest]] == [ids[n] for n in order]


def test_filters_narrow_the_queue(session: Session, seeded: Seeded) -> None:
    same = flag(session, seeded, 0, 2, score=0.95)  # both of category "eggs"
    mixed = flag(session, seeded, 0, 1, score=0.6)
    say(session, seeded, decided := flag(session, seeded, 4, 5))

    def found(**where: object) -> list[int]:
        wanted = QueueFilter(**where)  # type: ignore[arg-type]
        listed = review.list_queue(session, seeded.forum.id, wanted, sort=Sort.CERTAIN)
        assert review.count_pairs(session, seeded.forum.id, wanted) == len(listed)
        return [item.pair_id for item in listed]

    assert found() == [same, mixed]
    assert found(category="eggs") == [same]
    assert found(min_score=0.95) == [same]
    assert found(max_score=0.6) == [mixed]
    assert found(words="EGG 1") == [mixed]
    assert found(words="boi eg 2") == [same]  # the beginnings of words are enough
    assert found(words="gg") == found(words="' & | !%") == []
    assert found(status=PairStatus.DUPLICATE) == [decided]
    assert review.categories(session, seeded.forum.id) == ["bread", "eggs"]


@pytest.mark.parametrize("status", decisions.DECIDED)
def test_no_later_score_overrules_a_person(
    session: Session, seeded: Seeded, status: PairStatus
) -> None:
    pair = flag(session, seeded, 0, 1)
    say(session, seeded, pair, status)
    before = version_of(session, pair)
    finding = Finding(
        question_id=seeded.questions[0],
        candidate_id=seeded.questions[1],
        kind=PairKind.MODEL,
        score=0.99,
    )
    for threshold in (0.5, 0.999):  # flagged again, then withdrawn
        made = Provenance(bi_encoder_id=1, reranker_id=2, threshold=threshold, observe_only=False)
        read = dict.fromkeys(seeded.questions, 1)
        assert pairs.save_findings(session, seeded.forum.id, [finding], made, read=read) == 0

    stage = review.get_stage(session, seeded.forum.id, pair)
    assert (stage.status, stage.decided_by, stage.version) == (status, "ana", before)


def test_the_stage_shows_the_older_question_first_with_the_scores_its_way(
    session: Session, seeded: Seeded
) -> None:
    pair = flag(session, seeded, 1, 0)
    flag(session, seeded, 1, 2)
    say(session, seeded, flag(session, seeded, 0, 3), PairStatus.RELATED)

    stage = review.get_stage(session, seeded.forum.id, pair)

    assert (stage.older.id, stage.newer.id) == tuple(seeded.questions[:2])
    assert stage.logits == (2.0, 1.5)
    assert (stage.older.reach, stage.newer.reach) == (0, 1)
    found = review.precedents(session, stage)
    assert [(p.title, p.status) for p in found] == [("How do I boil egg 3", "related")]


def test_an_erased_question_leaves_its_group_in_order(session: Session, seeded: Seeded) -> None:
    for one, other in ((0, 1), (1, 2), (0, 2), (1, 3)):
        say(session, seeded, flag(session, seeded, one, other))
    assert members(session, seeded) == [[0, 1, 2, 3]]

    questions.erase(session, seeded.forum.id, "q-1", actor="forum")
    assert members(session, seeded) == [[1, 2, 3]]
    questions.erase(session, seeded.forum.id, "q-2", actor="forum")

    assert members(session, seeded) == []
    assert session.execute(select(Decision.id)).all() == []
