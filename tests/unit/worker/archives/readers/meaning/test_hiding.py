"""Which columns of a table say by their names that a question is hidden."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.archives.readers.meaning import languages
from worker.archives.readers.meaning.hiding import hiding_rules, label_rules, states


def reasons(row: dict[str, Any], *taken: str) -> set[str]:
    """Return why a row with these columns is hidden."""
    return {reason for reason, one in hiding_rules(row, taken) if one.is_met(row)}


@pytest.mark.parametrize(
    ("column", "hides", "shows", "reason"),
    [
        ("deleted", True, False, "deleted"),
        ("status_text", "pending review", "published", "unapproved"),
        ("status", "Awaiting moderator approval", "Approval not needed", "unapproved"),
        ("status", "Not live", "Not resolved", "hidden"),
        ("Status", "niet publiek", "publiek", "hidden"),
        ("state", "visible only to staff", "visible to everyone", "private"),
        ("visibility", "Visible to staff", "Visible to all", "private"),
        ("reviewer_decision", "reject", "accept", "unapproved"),
        ("approved", "rejected", "yes", "unapproved"),
        ("\u516c\u958b", "\u975e\u516c\u958b", "\u516c\u958b", "hidden"),
        ("workflowStateLabel", "draft", "live", "unapproved"),
        ("privacy_label", "friends of friends", "Everyone", "private"),
        ("visibilité", "membres", "publique", "private"),
        ("Sichtbarkeit", "unser Team", "für alle", "private"),
        ("видимость", "команда", "для всех", "private"),
        ("isDeleted", 1, 0, "deleted"),
        ("topic_deleted_at", "2014-01-01", None, "deleted"),
        ("deleted_at", "2014-01-01 10:00", "0000-00-00 00:00:00", "deleted"),
        ("removal_reason", "rude", "", "deleted"),
        ("post.trashed", "yes", "no", "deleted"),
        ("gel\u00f6scht", "ja", "nein", "deleted"),
        ("supprim\u00e9", "oui", "non", "deleted"),
        ("is_spam", "t", "f", "unapproved"),
        ("needs_approval", 1, 0, "unapproved"),
        ("draft", "true", "false", "unapproved"),
        ("private", 1, 0, "private"),
        ("is_private_message", 1, 0, "private"),
        ("staffOnly", True, False, "private"),
        ("requires_login", 1, 0, "private"),
        ("hidden", 1, 0, "hidden"),
        ("hidden_by_user_id", 77, None, "hidden"),
        ("unlisted", "yes", "never", "hidden"),
        ("visible", 0, 1, "hidden"),
        ("is_active", False, True, "hidden"),
        ("approved", 0, 1, "unapproved"),
        ("published", "no", "yes", "unapproved"),
        ("is_public", "no", "yes", "private"),
        ("published_at", None, "2014-01-01", "unapproved"),
        ("permissions", ["read:staff"], ["read:everyone"], "private"),
        ("acl", "read: staff", "read: *", "private"),
        ("deletion", {"reason": "spam"}, {"reason": None}, "deleted"),
        ("solo para socios", "s\u00ed", "no", "private"),
        ("nur f\u00fcr Mitarbeiter", "ja", "nein", "private"),
        ("Status", "nur f\u00fcr Mitarbeiter", "f\u00fcr alle", "private"),
        ("estado", "en borrador", "en espera de respuesta", "unapproved"),
        ("situa\u00e7\u00e3o", "aguardando revis\u00e3o", "aguardando resposta", "unapproved"),
        ("status", "Waiting for a moderator", "Waiting for customer reply", "unapproved"),
        ("stage", "draft", "published", "unapproved"),
        ("web_visible", 0, 1, "hidden"),
        ("published", "2999-01-01", "2014-01-01", "unapproved"),
        ("deleted_on", "2014-01-01 00:00:00", "1900-01-01 00:00:00", "deleted"),
        ("status", "trash", "open", "deleted"),
        ("post_status", "draft", "publish", "unapproved"),
        ("state", "in moderation", "solved", "unapproved"),
        ("visibility", "members only", "public", "private"),
        ("access_level", "staff", "everybody", "private"),
        ("archetype", "private_message", "regular", "private"),
        ("visibility", "role:mod", "Everyone", "private"),
        ("privacy", "only me", "\u00f6ffentlich", "private"),
        ("viewable_by", '["agents"]', '["agents", "public"]', "private"),
        ("status", "user_deleted", "answered", "deleted"),
        ("state_string", "(deleted)(accepted)", "(accepted)", "deleted"),
        ("flags", {"deleted": True}, {"deleted": False}, "deleted"),
        ("is_deleted", "b'1'", "b'0'", "deleted"),
        ("visible", "0x00", "0x01", "hidden"),
        ("labels", "faq, hidden", "faq, hiding places", "hidden"),
        ("flags", '["deleted"]', '["undeleted"]', "deleted"),
        ("deleted_yn", "Y", "N", "deleted"),
        ("secret_yn", "Y", "N", "private"),
        ("use_yn", "N", "Y", "hidden"),
        ("display_flag", "0", "1", "hidden"),
        ("visible", "hidden", "shown", "hidden"),
        ("visible", "0%", "100%", "hidden"),
        ("published", "unpublished", "published", "unapproved"),
        ("deleted_at", "2020-01-01", "1970-01-01 00:00:00", "deleted"),
        ("deleted_at", "2020-01-01", "9999-12-31", "deleted"),
        ("deleted_at", "2020-01-01", "infinity", "deleted"),
        ("embargo_until", "2999-01-01", "2019-01-01", "unapproved"),
        ("visible_from", "2999-01-01", "", "unapproved"),
        ("publish_at", "4102444800", "1577836800", "unapproved"),
        ("only_author_can_view", "1", "0", "private"),
        ("akismet_state", "spam", "ham", "unapproved"),
        ("min_role", "moderator", "guest", "private"),
        ("view_groups", "3,4", "-1,0", "private"),
        ("project_visibility", "private", "public", "closed category"),
        ("board_is_public", "0", "1", "closed category"),
        ("status", "notpublished", "published", "unapproved"),
        ("status", "PendingReview", "Reviewed", "unapproved"),
        ("toestand", "concept", "gepubliceerd", "unapproved"),
        ("in_trash", 1, 0, "deleted"),
        ("redacted_at", "2020-01-01", "", "deleted"),
        ("hidden_by_moderator", 1, 0, "hidden"),
        ("hidden_until", "2999-01-01", "2019-01-01", "unapproved"),
        ("publish_down", "2019-01-01", "0000-00-00 00:00:00", "hidden"),
        ("isDelete", 1, 0, "deleted"),
        ("fldDeleted", 1, 0, "deleted"),
        ("T_STATUS", "hidden", "open", "hidden"),
        ("paid_only", 1, 0, "private"),
        ("Aktiv", "nein", "ja", "hidden"),
        ("Intern", "ja", "nein", "private"),
        ("\u662f\u5426\u663e\u793a", "\u5426", "\u662f", "hidden"),
        ("Genehmigungsstatus", "Ausstehend", "Genehmigt", "unapproved"),
        ("Freigabe", "nein", "ja", "private"),
        ("status", "Papelera", "under review", "deleted"),
        ("status", "offline", "on hold", "hidden"),
        ("type", "draft", "offline", "unapproved"),
        ("sub_status", "hidden", "live", "hidden"),
        ("acl", "private", "public-read", "private"),
        ("in_private_group", True, False, "closed category"),
        ("soft_delete", 1, 0, "deleted"),
        ("delete_reason", "rude", "", "deleted"),
        ("flagged_as_spam", 1, 0, "unapproved"),
        ("spam_status", "spam", "clean", "unapproved"),
        ("moderation_passed", 0, 1, "hidden"),
        ("restricted_to", "group 5", "all", "private"),
        ("sensitivity", "Company-Confidential", "normal", "private"),
        ("who_can_see", "staff", "everyone", "private"),
        ("is_reply", 1, 0, "no question"),
        ("permissions", "staff", {"reply": True, "delete": True}, "private"),
        ("ifcheck", 0, 1, "hidden"),
        ("is_first_post", 0, 1, "no question"),
        ("estado", "Oculto por moderador", "Publicado por moderador", "hidden"),
        ("statut", "Supprim\u00e9 par l'auteur", "Ouvert par l'auteur", "deleted"),
        ("status", "Gel\u00f6scht von Anna", "aktiv von Anna", "deleted"),
        (
            "status",
            "\u0421\u043a\u0440\u044b\u0442\u043e \u0430\u0434\u043c\u0438\u043d\u043e\u043c",
            "\u041e\u0442\u043a\u0440\u044b\u0442\u043e \u0430\u0434\u043c\u0438\u043d\u043e\u043c",
            "hidden",
        ),
        ("status", "deleted: spam", "open: spam", "deleted"),
    ],
)
def test_a_column_hides_by_its_name(column: str, hides: object, shows: object, reason: str) -> None:
    assert reasons({column: hides}) == {reason}
    assert reasons({column: shows}) == set()


@pytest.mark.parametrize(
    "column",
    ["title", "body", "id", "views", "author", "created_at", "updated_at", "category", "statistics",
     "private_key_of_car", "deletedItems42Count", "publisher", "visibleness", "url",
     "auto_approved", "user_active", "show_name", "spam_score", "private_replies", "n_hidden"],
)  # fmt: skip
def test_a_column_of_another_name_says_nothing(column: str) -> None:
    assert hiding_rules([column]) == ()


def test_a_column_that_is_the_question_says_nothing_but_when_it_was_published() -> None:
    assert reasons({"private": 1}, "private") == set()
    assert reasons({"published_at": None}, "published_at") == {"unapproved"}
    assert reasons({"published_at": "2014-01-01"}, "published_at") == set()


NAMES = st.sampled_from(
    ["deleted", "IS_HIDDEN", "status", "visible", "published_at", "title", "meta.private", "x"]
)


@given(st.lists(NAMES), st.lists(NAMES))
def test_rules_do_not_hang_on_how_often_or_beside_what_a_column_stands(
    one: list[str], other: list[str]
) -> None:
    together = set(hiding_rules([*one, *other]))

    assert together == {*hiding_rules(one), *hiding_rules(other)}
    assert {rule.column for _, rule in together} <= {*one, *other}


def labelled(tags: object = "", category: object = "", *, is_known: bool = False) -> set[str]:
    """Return why a row with these tags and this category is hidden."""
    row = {"tags": tags, "category": category}
    rules = label_rules(["tags"], ["category"], is_known=is_known)
    return {reason for reason, one in rules if one.is_met(row)}


@pytest.mark.parametrize(
    "tags",
    [
        "staff-only", "cars, mods only", "<cars><staff_only>", "cars staff-only", ["a", "internal"],
        [{"name": "private"}], "a|confidential", "#internal",
    ],
)  # fmt: skip
def test_a_tag_hides_what_not_everybody_may_read(tags: object) -> None:
    assert labelled(tags) == {"private tag"}


@pytest.mark.parametrize("tags", ["private-equity", "internals", "private equity", "staff meeting"])
def test_a_tag_that_only_begins_so_hides_nothing(tags: object) -> None:
    assert labelled(tags) == set()


def test_in_a_known_program_only_a_tag_that_can_mean_nothing_else_hides() -> None:
    assert labelled("private,internal", "Staff", is_known=True) == set()
    assert labelled("staff-only", "Members only", is_known=True) == {
        "private tag",
        "closed category",
    }


@pytest.mark.parametrize(
    ("category", "is_closed"),
    [
        ("Staff", True),
        ("Moderators", True),
        ("Members only", True),
        ("Recycle bin", True),
        ("Staff meetings", False),
        ("Private pilots", False),
        ("Nur f\u00fcr Anf\u00e4nger", False),
        ("Deleted files", False),
    ],
)
def test_a_category_is_closed_by_its_whole_name(category: str, *, is_closed: bool) -> None:
    assert labelled(category=category) == ({"closed category"} if is_closed else set())


def test_columns_in_which_programs_write_a_state_as_a_number_are_found() -> None:
    names = ["status", "post_status", "status_id", "State", "visibility", "type", "meta.status"]

    assert states([*names, "title", "deleted", "visibility_level", "score"]) == names


PAST = [
    ("Approved", "was"), ("published", "previously"), ("ver\u00f6ffentlicht", "vorher"),
    ("publi\u00e9", "avant"), ("publicado", "antes"), ("pubblicato", "prima"),
    ("\u043e\u043f\u0443\u0431\u043b\u0438\u043a\u043e\u0432\u0430\u043d\u043e",
     "\u0440\u0430\u043d\u0435\u0435"),
    ("\u5df2\u53d1\u5e03", "\u4e4b\u524d"), ("opublikowany", "wcze\u015bniej"),
]  # fmt: skip


@pytest.mark.parametrize(("public", "past"), PAST)
@pytest.mark.parametrize(
    "form", ["{} ({} {})", "{}, {} {}", "{}\uff08{} {}\uff09", "{} [{} {}]", "{} (restored, {} {})"]
)
def test_what_was_before_hides_nothing_and_shows_nothing(public: str, past: str, form: str) -> None:
    hiding = {reason: words[0] for reason, words in languages.HIDDEN.items()}
    for column in ("status", "visibility", "moderation_status"):
        for word in ("hidden", "pending", *hiding.values()):
            if "restored" not in form:
                assert reasons({column: form.format(word, past, public)}), word
            assert not reasons({column: form.format(public, past, word)}), word
        assert reasons({column: f"{public} (deleted, {past} {public})"})
