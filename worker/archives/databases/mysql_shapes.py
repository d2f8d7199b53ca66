"""How phpBB, SMF, MyBB, Flarum, XenForo and vBulletin keep their questions."""

from worker.archives.databases.shape import Shape, any_of, parts

PHPBB = Shape(
    name="phpbb",
    engine="mysql",
    has_epochs=True,
    prefix="phpbb_",
    key="t.topic_id",
    required=("topics.topic_title", "posts.post_text", "forums.forum_name"),
    tables="{p}topics t LEFT JOIN {p}posts p ON p.post_id = t.topic_first_post_id"
    " LEFT JOIN {p}forums f ON f.forum_id = t.forum_id",
    fields=parts(
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
        "deleted": any_of(("t.topic_visibility = 2", "topics.topic_visibility")),
        "unapproved": any_of(
            ("t.topic_visibility NOT IN (1, 2)", "topics.topic_visibility"),
            ("t.topic_approved = 0", "topics.topic_approved"),
        ),
        "moved": any_of(("t.topic_status = 2", "topics.topic_status")),
        "password": any_of(("f.forum_password <> ''", "forums.forum_password")),
        "private": any_of(
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
SMF = Shape(
    name="smf",
    engine="mysql",
    has_epochs=True,
    prefix="smf_",
    key="t.id_topic",
    required=("topics.id_first_msg", "messages.subject", "boards.member_groups"),
    tables="{p}topics t LEFT JOIN {p}messages m ON m.id_msg = t.id_first_msg"
    " LEFT JOIN {p}boards b ON b.id_board = t.id_board",
    fields=parts(
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
        "unapproved": any_of(("t.approved = 0", "topics.approved")),
        "deleted": any_of(
            (
                (
                    "EXISTS (SELECT 1 FROM {p}settings s JOIN {p}settings o"
                    " ON o.variable = 'recycle_enable' AND o.value = '1'"
                    " WHERE s.variable = 'recycle_board' AND s.value = t.id_board)"
                ),
                "settings.variable",
            )
        ),
        "moved": any_of(("t.id_redirect_topic <> 0", "topics.id_redirect_topic")),
        "private": any_of(
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
MYBB = Shape(
    name="mybb",
    engine="mysql",
    has_epochs=True,
    prefix="mybb_",
    key="t.tid",
    required=("threads.subject", "posts.message", "forums.parentlist"),
    tables="{p}threads t LEFT JOIN {p}posts p ON p.pid = t.firstpost"
    " LEFT JOIN {p}forums f ON f.fid = t.fid",
    fields=parts(
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
        "deleted": any_of(("t.visible = -1", ""), ("t.deletetime <> 0", "threads.deletetime")),
        "unapproved": any_of(("t.visible = 0", "")),
        "moved": any_of(("t.closed LIKE 'moved|%'", "")),
        "password": any_of(("f.password <> ''", "forums.password")),
        "private": any_of(
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
FLARUM = Shape(
    name="flarum",
    engine="mysql",
    prefix="flarum_",
    key="d.id",
    required=("discussions.first_post_id", "posts.content"),
    tables="{p}discussions d LEFT JOIN {p}posts p ON p.id = d.first_post_id"
    " LEFT JOIN {p}users u ON u.id = d.user_id",
    fields=parts(
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
        "deleted": any_of(("d.hidden_at IS NOT NULL", "discussions.hidden_at")),
        "private": any_of(
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
        "unapproved": any_of(("NOT d.is_approved", "discussions.is_approved")),
    },
    url="d/{id}",
)
XENFORO = Shape(
    name="xenforo",
    engine="mysql",
    has_epochs=True,
    prefix="xf_",
    key="t.thread_id",
    required=("thread.discussion_state", "post.message", "node.title"),
    tables="{p}thread t LEFT JOIN {p}post p ON p.post_id = t.first_post_id"
    " LEFT JOIN {p}node n ON n.node_id = t.node_id",
    fields=parts(
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
        "deleted": any_of(("t.discussion_state = 'deleted'", "")),
        "unapproved": any_of(("t.discussion_state <> 'visible'", "")),
        "moved": any_of(("t.discussion_type = 'redirect'", "thread.discussion_type")),
        "private": any_of(
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
VBULLETIN = Shape(
    name="vbulletin",
    engine="mysql",
    has_epochs=True,
    prefix="",
    key="t.threadid",
    required=("thread.firstpostid", "post.pagetext", "forum.parentlist"),
    tables="{p}thread t LEFT JOIN {p}post p ON p.postid = t.firstpostid"
    " LEFT JOIN {p}forum f ON f.forumid = t.forumid",
    fields=parts(
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
        "deleted": any_of(("t.visible = 2", "")),
        "unapproved": any_of(("t.visible = 0", "")),
        "moved": any_of(("t.open = 10", "")),
        "password": any_of(("f.password <> ''", "forum.password")),
        "private": any_of(
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
