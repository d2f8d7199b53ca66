"""How Discourse, Misago and Askbot keep their questions."""

from worker.archives.databases.shape import Shape, any_of, parts

DISCOURSE = Shape(
    name="discourse",
    engine="postgresql",
    prefix="",
    key="t.id",
    required=("topics.archetype", "posts.raw", "categories.read_restricted"),
    tables="{p}topics t LEFT JOIN {p}posts p ON p.topic_id = t.id AND p.post_number = 1"
    " LEFT JOIN {p}categories c ON c.id = t.category_id LEFT JOIN {p}users u ON u.id = t.user_id",
    fields=parts(
        title="t.title",
        body="p.raw",
        category="c.name",
        author="u.username",
        asked_at="t.created_at",
        answers="t.posts_count - 1",
        views="t.views",
        votes=("t.like_count", "topics.like_count"),
        accepted_answer=(
            (
                "(SELECT max(x.value) FROM {p}topic_custom_fields x"
                " WHERE x.topic_id = t.id AND x.name = 'accepted_answer_post_id')"
            ),
            "topic_custom_fields.value",
        ),
        closed="t.closed OR t.archived",
        updated_at=("greatest(p.last_version_at, t.created_at)", "posts.last_version_at"),
        tags=(
            (
                "(SELECT string_agg(g.name, ',') FROM {p}topic_tags x"
                " JOIN {p}tags g ON g.id = x.tag_id WHERE x.topic_id = t.id)"
            ),
            "topic_tags.tag_id tags.name",
        ),
    ),
    hidden={
        "private": any_of(("t.archetype <> 'regular'", "")),
        "deleted": any_of(
            ("t.deleted_at IS NOT NULL", ""), ("p.deleted_at IS NOT NULL", "posts.deleted_at")
        ),
        "unlisted": any_of(("NOT t.visible", "topics.visible")),
        "closed category": any_of(("c.read_restricted", "")),
    },
    url="t/{id}",
)
# Guests and plain members; a category counts only with all above it.
_MISAGO_ABOVE = (
    "EXISTS (SELECT 1 FROM {p}categories_category a WHERE a.tree_id = c.tree_id AND a.level > 0"
    " AND a.lft <= c.lft AND a.rght >= c.rght AND NOT EXISTS "
)
_MISAGO_ROLES = (
    _MISAGO_ABOVE + "(SELECT 1 FROM {p}categories_rolecategoryacl x"  # noqa: S608  # ours
    " JOIN {p}acl_role r ON r.id = x.role_id AND r.special_role IN ('anonymous', 'authenticated')"
    " JOIN {p}categories_categoryrole k ON k.id = x.category_role_id WHERE x.category_id = a.id"
    " AND k.permissions #>> '{misago.categories.permissions,can_see}' IN ('1', 'true')"
    " AND k.permissions #>> '{misago.categories.permissions,can_browse}' IN ('1', 'true')))"
)
_MISAGO_GROUPS = (
    _MISAGO_ABOVE + "(SELECT 1 FROM {p}permissions_categorygrouppermission x"  # noqa: S608  # ours
    " WHERE x.category_id = a.id AND x.group_id IN (3, 4) AND x.permission IN ('see', 'browse')"
    " GROUP BY x.group_id HAVING count(DISTINCT x.permission) = 2))"
)
_ROLES = "categories_categoryrole.permissions"
_TREE = "categories_category.tree_id categories_category.level categories_category.lft"
MISAGO = Shape(
    name="misago",
    engine="postgresql",
    prefix="misago_",
    key="t.id",
    required=("threads_thread.first_post_id", "threads_post.original"),
    tables="{p}threads_thread t LEFT JOIN {p}threads_post p ON p.id = t.first_post_id"
    " LEFT JOIN {p}categories_category c ON c.id = t.category_id",
    fields=parts(
        title="t.title",
        body="p.original",
        category="c.name",
        author="t.starter_name",
        asked_at="t.started_on",
        answers="t.replies",
        votes=("p.likes", "threads_post.likes"),
        accepted_answer=("t.best_answer_id", "threads_thread.best_answer_id"),
        closed="t.is_closed",
        updated_at="greatest(p.updated_on, t.started_on)",
    ),
    hidden={
        "deleted": any_of(("t.is_hidden", "")),
        "unapproved": any_of(("t.is_unapproved", "")),
        "private": any_of(
            ("c.id IS NULL", ""),
            ("c.special_role = 'private_threads'", "categories_category.special_role"),
        ),
        "closed category": any_of(
            (
                _MISAGO_ROLES,
                f"categories_rolecategoryacl.role_id acl_role.special_role {_ROLES} {_TREE}",
            ),
            (_MISAGO_GROUPS, f"permissions_categorygrouppermission.permission {_TREE}"),
        ),
    },
    url="t/topic/{id}/",
)
# Every user is in the group called everyone; where it was renamed, in that with the most members.
_ASKBOT_PRIVATE = (
    "EXISTS (SELECT 1 FROM {p}thread_groups) AND NOT EXISTS (SELECT 1 FROM {p}thread_groups x"
    " WHERE x.thread_id = t.id AND x.group_id = (SELECT g.id FROM auth_group g"
    " LEFT JOIN auth_user_groups m ON m.group_id = g.id GROUP BY g.id, g.name"
    " ORDER BY g.name = 'everyone' DESC, count(m.user_id) DESC, g.id LIMIT 1))"
)
ASKBOT = Shape(
    name="askbot",
    engine="postgresql",
    prefix="askbot_",
    key="p.id",
    required=("thread.tagnames", "post.post_type"),
    tables="{p}post p JOIN {p}thread t ON t.id = p.thread_id AND p.post_type = 'question'"
    " LEFT JOIN auth_user u ON u.id = p.author_id",
    fields=parts(
        title="t.title",
        body="p.text",
        author="u.username",
        asked_at="p.added_at",
        answers="t.answer_count",
        views="t.view_count",
        votes="p.points",
        accepted_answer="t.accepted_answer_id",
        closed="t.closed",
        updated_at="greatest(p.last_edited_at, p.added_at)",
        tags="replace(t.tagnames, ' ', ',')",
        language=("t.language_code", "thread.language_code"),
    ),
    hidden={
        "deleted": any_of(("p.deleted", ""), ("t.deleted", "thread.deleted")),
        "unapproved": any_of(
            ("NOT t.approved", "thread.approved"), ("NOT p.approved", "post.approved")
        ),
        "private": any_of((_ASKBOT_PRIVATE, "thread_groups.group_id")),
    },
    url="question/{id}/",
)
