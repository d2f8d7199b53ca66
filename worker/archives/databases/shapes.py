"""How forum programs keep their questions: the tables and columns of their public schemas.

Every expression names the columns that it needs. Where a version of the program or an extension
lacks one, what depends on it is left out. What hides a question is asked of the database itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Part:
    """An expression of SQL, and the columns (``table.column``) without which it cannot be."""

    sql: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How one program keeps its questions; ``{p}`` is the prefix of its tables."""

    name: str
    engine: str
    prefix: str
    key: str
    """Number by which pages are cut."""
    tables: str
    """What comes after FROM."""
    fields: dict[str, Part]
    hidden: dict[str, tuple[Part, ...]]
    """Why a question is not shown to everybody, with the conditions of which one is met."""
    url: str
    """Path of a question, from the forum's address on."""
    has_epochs: bool = False
    """Whether times are seconds since 1970."""
    is_escaped: bool = False
    """Whether titles are stored as HTML."""
    required: tuple[str, ...] = field(default=())
    """Columns without which this is another program's database."""


def _parts(**given: str | tuple[str, str]) -> dict[str, Part]:
    found = {}
    for name, one in given.items():
        sql, needs = (one, "") if isinstance(one, str) else one
        found[name] = Part(sql, tuple(needs.split()))
    return found


def _any(*given: tuple[str, str]) -> tuple[Part, ...]:
    return tuple(Part(sql, tuple(needs.split())) for sql, needs in given)


def _of(shapes: Iterable[Shape]) -> dict[str, Shape]:
    return {shape.name: shape for shape in shapes}


_PHPBB = Shape(
    name="phpbb",
    engine="mysql",
    has_epochs=True,
    prefix="phpbb_",
    key="t.topic_id",
    required=("topics.topic_title", "posts.post_text", "forums.forum_name"),
    tables="{p}topics t LEFT JOIN {p}posts p ON p.post_id = t.topic_first_post_id"
    " LEFT JOIN {p}forums f ON f.forum_id = t.forum_id",
    fields=_parts(
        title="t.topic_title",
        body="p.post_text",
        category="f.forum_name",
        author="t.topic_first_poster_name",
        asked_at="t.topic_time",
        answers=("t.topic_posts_approved - 1", "topics.topic_posts_approved"),
        views="t.topic_views",
        closed="t.topic_status = 1",
        updated_at=("GREATEST(p.post_edit_time, t.topic_time)", "posts.post_edit_time"),
    ),
    hidden={
        "deleted": _any(("t.topic_visibility = 2", "topics.topic_visibility")),
        "unapproved": _any(
            ("t.topic_visibility NOT IN (1, 2)", "topics.topic_visibility"),
            ("t.topic_approved = 0", "topics.topic_approved"),
        ),
        "moved": _any(("t.topic_status = 2", "topics.topic_status")),
        "password": _any(("f.forum_password <> ''", "forums.forum_password")),
        "private": _any(
            (
                (
                    "NOT EXISTS (SELECT 1 FROM {p}acl_groups a"
                    " JOIN {p}groups g ON g.group_id = a.group_id"
                    " AND g.group_name IN ('GUESTS', 'REGISTERED')"
                    " JOIN {p}acl_options o ON o.auth_option = 'f_read'"
                    " LEFT JOIN {p}acl_roles_data r ON r.role_id = a.auth_role_id"
                    " AND r.auth_option_id = o.auth_option_id"
                    " WHERE a.forum_id = t.forum_id AND (r.auth_setting = 1 OR"
                    " a.auth_option_id = o.auth_option_id AND a.auth_setting = 1))"
                ),
                "acl_groups.auth_role_id acl_options.auth_option acl_roles_data.auth_setting",
            ),
        ),
    },
    url="viewtopic.php?t={id}",
    is_escaped=True,
)
_SMF = Shape(
    name="smf",
    engine="mysql",
    has_epochs=True,
    prefix="smf_",
    key="t.id_topic",
    required=("topics.id_first_msg", "messages.subject", "boards.member_groups"),
    tables="{p}topics t LEFT JOIN {p}messages m ON m.id_msg = t.id_first_msg"
    " LEFT JOIN {p}boards b ON b.id_board = t.id_board",
    fields=_parts(
        title="m.subject",
        body="m.body",
        category="b.name",
        author="m.poster_name",
        asked_at="m.poster_time",
        answers="t.num_replies",
        views="t.num_views",
        closed="t.locked <> 0",
        updated_at="GREATEST(m.modified_time, m.poster_time)",
        accepted=("t.is_solved <> 0", "topics.is_solved"),
    ),
    hidden={
        "unapproved": _any(("t.approved = 0", "topics.approved")),
        "deleted": _any(
            (
                (
                    "EXISTS (SELECT 1 FROM {p}settings s JOIN {p}settings o"
                    " ON o.variable = 'recycle_enable' AND o.value = '1'"
                    " WHERE s.variable = 'recycle_board' AND s.value = t.id_board)"
                ),
                "settings.variable",
            )
        ),
        "moved": _any(("t.id_redirect_topic <> 0", "topics.id_redirect_topic")),
        "private": _any(
            (
                (
                    "b.id_board IS NULL OR NOT (FIND_IN_SET('-1', b.member_groups)"
                    " OR FIND_IN_SET('0', b.member_groups))"
                ),
                "",
            )
        ),
    },
    url="index.php?topic={id}.0",
    is_escaped=True,
)
_MYBB = Shape(
    name="mybb",
    engine="mysql",
    has_epochs=True,
    prefix="mybb_",
    key="t.tid",
    required=("threads.subject", "posts.message", "forums.parentlist"),
    tables="{p}threads t LEFT JOIN {p}posts p ON p.pid = t.firstpost"
    " LEFT JOIN {p}forums f ON f.fid = t.fid",
    fields=_parts(
        title="t.subject",
        body="p.message",
        category="f.name",
        author="t.username",
        asked_at="t.dateline",
        answers="t.replies",
        views="t.views",
        closed="t.closed = '1'",
        updated_at="GREATEST(p.edittime, t.dateline)",
    ),
    hidden={
        "deleted": _any(("t.visible = -1", ""), ("t.deletetime <> 0", "threads.deletetime")),
        "unapproved": _any(("t.visible = 0", "")),
        "moved": _any(("t.closed LIKE 'moved|%'", "")),
        "password": _any(("f.password <> ''", "forums.password")),
        "private": _any(
            ("f.fid IS NULL OR f.active = 0", "forums.active"),
            (
                (
                    "EXISTS (SELECT 1 FROM {p}forumpermissions x WHERE x.gid = 2"
                    " AND FIND_IN_SET(x.fid, f.parentlist)"
                    " AND (x.canview = 0 OR x.canviewthreads = 0))"
                ),
                "forumpermissions.canviewthreads",
            ),
        ),
    },
    url="showthread.php?tid={id}",
)
_FLARUM = Shape(
    name="flarum",
    engine="mysql",
    prefix="flarum_",
    key="d.id",
    required=("discussions.first_post_id", "posts.content"),
    tables="{p}discussions d LEFT JOIN {p}posts p ON p.id = d.first_post_id"
    " LEFT JOIN {p}users u ON u.id = d.user_id",
    fields=_parts(
        title="d.title",
        body="p.content",
        author="u.username",
        asked_at="d.created_at",
        answers="d.comment_count - 1",
        views=("d.view_count", "discussions.view_count"),
        votes=("d.votes", "discussions.votes"),
        accepted_answer=("d.best_answer_post_id", "discussions.best_answer_post_id"),
        closed=("d.is_locked", "discussions.is_locked"),
        updated_at="COALESCE(p.edited_at, d.created_at)",
        tags=(
            (
                "(SELECT GROUP_CONCAT(g.name SEPARATOR ',') FROM {p}discussion_tag dt"
                " JOIN {p}tags g ON g.id = dt.tag_id WHERE dt.discussion_id = d.id)"
            ),
            "discussion_tag.tag_id tags.name",
        ),
    ),
    hidden={
        "deleted": _any(("d.hidden_at IS NOT NULL", "discussions.hidden_at")),
        "private": _any(
            ("d.is_private", "discussions.is_private"),
            (
                (
                    "EXISTS (SELECT 1 FROM {p}discussion_tag dt JOIN {p}tags g ON g.id = dt.tag_id"
                    " WHERE dt.discussion_id = d.id AND g.is_restricted AND NOT EXISTS"
                    " (SELECT 1 FROM {p}group_permission gp WHERE gp.group_id IN (2, 3)"
                    " AND gp.permission IN (CONCAT('tag', g.id, '.viewForum'),"
                    " CONCAT('tag', g.id, '.viewDiscussions'))))"
                ),
                "discussion_tag.tag_id tags.is_restricted group_permission.permission",
            ),
        ),
        "unapproved": _any(("NOT d.is_approved", "discussions.is_approved")),
    },
    url="d/{id}",
)
_XENFORO = Shape(
    name="xenforo",
    engine="mysql",
    has_epochs=True,
    prefix="xf_",
    key="t.thread_id",
    required=("thread.discussion_state", "post.message", "node.title"),
    tables="{p}thread t LEFT JOIN {p}post p ON p.post_id = t.first_post_id"
    " LEFT JOIN {p}node n ON n.node_id = t.node_id",
    fields=_parts(
        title="t.title",
        body="p.message",
        category="n.title",
        author="t.username",
        asked_at="t.post_date",
        answers="t.reply_count",
        views="t.view_count",
        votes=("t.vote_score", "thread.vote_score"),
        accepted_answer=(
            (
                "(SELECT NULLIF(q.solution_post_id, 0) FROM {p}thread_question q"
                " WHERE q.thread_id = t.thread_id)"
            ),
            "thread_question.solution_post_id",
        ),
        closed="t.discussion_open = 0",
        updated_at=("GREATEST(p.last_edit_date, t.post_date)", "post.last_edit_date"),
        tags=(
            (
                "(SELECT GROUP_CONCAT(g.tag SEPARATOR ',') FROM {p}tag_content c"
                " JOIN {p}tag g ON g.tag_id = c.tag_id"
                " WHERE c.content_type = 'thread' AND c.content_id = t.thread_id)"
            ),
            "tag_content.content_type tag.tag",
        ),
    ),
    hidden={
        "deleted": _any(("t.discussion_state = 'deleted'", "")),
        "unapproved": _any(("t.discussion_state <> 'visible'", "")),
        "moved": _any(("t.discussion_type = 'redirect'", "thread.discussion_type")),
        "private": _any(
            ("n.node_id IS NULL", ""),
            (
                (
                    "EXISTS (SELECT 1 FROM {p}node a JOIN {p}permission_entry_content e"
                    " ON e.content_type = 'node' AND e.content_id = a.node_id"
                    " WHERE a.lft <= n.lft AND a.rgt >= n.rgt AND e.user_group_id IN (0, 2)"
                    " AND e.user_id = 0 AND e.permission_id IN ('viewNode', 'viewContent')"
                    " AND e.permission_value IN ('reset', 'deny'))"
                ),
                "permission_entry_content.permission_value node.lft",
            ),
        ),
    },
    url="threads/{id}/",
)
_VBULLETIN = Shape(
    name="vbulletin",
    engine="mysql",
    has_epochs=True,
    prefix="",
    key="t.threadid",
    required=("thread.firstpostid", "post.pagetext", "forum.parentlist"),
    tables="{p}thread t LEFT JOIN {p}post p ON p.postid = t.firstpostid"
    " LEFT JOIN {p}forum f ON f.forumid = t.forumid",
    fields=_parts(
        title="t.title",
        body="p.pagetext",
        category="f.title",
        author="t.postusername",
        asked_at="t.dateline",
        answers="t.replycount",
        views="t.views",
        closed="t.open = 0",
        updated_at=(
            (
                "GREATEST(t.dateline, COALESCE((SELECT MAX(l.dateline) FROM {p}editlog l"
                " WHERE l.postid = t.firstpostid), 0))"
            ),
            "editlog.dateline",
        ),
        tags=("t.taglist", "thread.taglist"),
    ),
    hidden={
        "deleted": _any(("t.visible = 2", "")),
        "unapproved": _any(("t.visible = 0", "")),
        "moved": _any(("t.open = 10", "")),
        "password": _any(("f.password <> ''", "forum.password")),
        "private": _any(
            ("f.forumid IS NULL", ""),
            (
                (
                    "EXISTS (SELECT 1 FROM {p}forumpermission x WHERE x.usergroupid = 2"
                    " AND FIND_IN_SET(x.forumid, f.parentlist) AND x.forumpermissions & 1 = 0)"
                ),
                "forumpermission.forumpermissions",
            ),
        ),
    },
    url="showthread.php?t={id}",
    is_escaped=True,
)
_DISCOURSE = Shape(
    name="discourse",
    engine="postgresql",
    prefix="",
    key="t.id",
    required=("topics.archetype", "posts.raw", "categories.read_restricted"),
    tables="{p}topics t LEFT JOIN {p}posts p ON p.topic_id = t.id AND p.post_number = 1"
    " LEFT JOIN {p}categories c ON c.id = t.category_id LEFT JOIN {p}users u ON u.id = t.user_id",
    fields=_parts(
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
        "private": _any(("t.archetype <> 'regular'", "")),
        "deleted": _any(
            ("t.deleted_at IS NOT NULL", ""), ("p.deleted_at IS NOT NULL", "posts.deleted_at")
        ),
        "unlisted": _any(("NOT t.visible", "topics.visible")),
        "closed category": _any(("c.read_restricted", "")),
    },
    url="t/{id}",
)
_MISAGO = Shape(
    name="misago",
    engine="postgresql",
    prefix="misago_",
    key="t.id",
    required=("threads_thread.first_post_id", "threads_post.original"),
    tables="{p}threads_thread t LEFT JOIN {p}threads_post p ON p.id = t.first_post_id"
    " LEFT JOIN {p}categories_category c ON c.id = t.category_id",
    fields=_parts(
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
        "deleted": _any(("t.is_hidden", "")),
        "unapproved": _any(("t.is_unapproved", "")),
        "private": _any(
            ("c.id IS NULL", ""),
            ("c.special_role = 'private_threads'", "categories_category.special_role"),
        ),
    },
    url="t/topic/{id}/",
)
_ASKBOT = Shape(
    name="askbot",
    engine="postgresql",
    prefix="askbot_",
    key="p.id",
    required=("thread.tagnames", "post.post_type"),
    tables="{p}post p JOIN {p}thread t ON t.id = p.thread_id AND p.post_type = 'question'"
    " LEFT JOIN auth_user u ON u.id = p.author_id",
    fields=_parts(
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
        "deleted": _any(("p.deleted", ""), ("t.deleted", "thread.deleted")),
        "unapproved": _any(
            ("NOT t.approved", "thread.approved"), ("NOT p.approved", "post.approved")
        ),
    },
    url="question/{id}/",
)

SHAPES = _of((_PHPBB, _SMF, _MYBB, _FLARUM, _XENFORO, _VBULLETIN, _DISCOURSE, _MISAGO, _ASKBOT))
