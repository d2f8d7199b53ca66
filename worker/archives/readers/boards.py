"""Forum programs that keep their threads in tables: dumps of those, and exports of one of them.

Columns and meanings are those of the programs' public schemas: phpBB 3.0 to 3.3, vBulletin 3 to 5,
XenForo 1 and 2, MyBB 1.8, SMF 2.0 and 2.1.
"""

from worker.archives.readers.markup import Markup
from worker.archives.readers.shapes import NO_REPLY, Lookup, NoQuestions, Shape

_MOVED = "moved"
_DELETED, _UNAPPROVED = "deleted", "unapproved"
_CLOSED = "closed category"

SHAPES = (
    Shape(
        name="phpbb",
        about="topics of phpBB",
        table="topics",
        needs=("topic_id", "topic_title"),
        lacks=("post_subject", "post_text", "post_number", "topic_slug"),
        fields={
            "id": "topic_id",
            "title": "topic_title",
            "body": "post.post_text",
            "category": "forum.forum_name|forum_name|forum_id",
            "author": "topic_first_poster_name|topic_poster",
            "asked_at": "topic_time",
            "views": "topic_views",
            "answers": "topic_replies",
            "closed": "topic_status",
        },
        lookups=(
            Lookup(
                name="post",
                table="posts",
                key="post_id",
                via="topic_first_post_id",
                columns=("post_text", "post_visibility", "post_approved"),
            ),
            Lookup(
                name="forum",
                table="forums",
                key="forum_id",
                via="forum_id",
                columns=("forum_name", "forum_password"),
            ),
            Lookup(
                name="access",
                table="acl_groups",
                key="forum_id",
                via="forum_id",
                columns=("group_id",),
                # Guests and registered members, in a role that is not "no access".
                where=("group_id=1,2", "auth_role_id!=16", "auth_setting!=-1"),
            ),
        ),
        hidden={
            _UNAPPROVED: ("topic_visibility=0,3", "topic_approved=0"),
            _DELETED: ("topic_visibility=2", "topic_delete_time=not empty"),
            _MOVED: ("topic_status=2", "topic_moved_id=not empty"),
            _CLOSED: ("forum.forum_password=not empty", "access=missing"),
        },
        url="viewtopic.php?t={id}",
        markup=Markup.BBCODE,
        is_escaped=True,
    ),
    Shape(
        name="phpbb",
        about="posts of phpBB, the first of each topic",
        table="posts",
        needs=("post_id", "topic_id", "post_subject"),
        fields={
            "id": "topic_id",
            "title": "post_subject",
            "body": "post_text",
            "category": "forum_id",
            "author": "post_username|poster_id",
            "asked_at": "post_time",
        },
        hidden={
            _UNAPPROVED: ("post_visibility=0,3", "post_approved=0"),
            _DELETED: ("post_visibility=2",),
        },
        kept=(f"post_subject{NO_REPLY}",),
        url="viewtopic.php?t={id}",
        markup=Markup.BBCODE,
        is_escaped=True,
    ),
    Shape(
        name="vbulletin",
        about="threads of vBulletin",
        table="thread",
        needs=("threadid", "title"),
        lacks=("pagetext",),
        fields={
            "id": "threadid",
            "title": "title",
            "body": "post.pagetext",
            "category": "forum.title|forumid",
            "author": "postusername|postuserid",
            "asked_at": "dateline",
            "views": "views",
            "answers": "replycount",
        },
        lookups=(
            Lookup(
                name="post", table="post", key="postid", via="firstpostid", columns=("pagetext",)
            ),
            Lookup(
                name="forum",
                table="forum",
                key="forumid",
                via="forumid",
                columns=("title", "password"),
            ),
            Lookup(
                name="guests",
                table="forumpermission",
                key="forumid",
                via="forumid",
                columns=("forumpermissions",),
                where=("usergroupid=1",),
            ),
        ),
        hidden={
            _UNAPPROVED: ("visible=0",),
            _DELETED: ("visible=2",),
            _MOVED: ("open=10",),
            # The lowest bit of the permissions is the one to see the forum.
            _CLOSED: ("forum.password=not empty", "guests.forumpermissions=even"),
        },
        url="showthread.php?t={id}",
        markup=Markup.BBCODE,
        is_escaped=True,
    ),
    Shape(
        name="vbulletin",
        about="threads of vBulletin 5",
        table="node",
        needs=("nodeid", "starter", "title", "publishdate"),
        fields={
            "id": "nodeid",
            "title": "title",
            "body": "text.rawtext|rawtext",
            "category": "parent.title|parentid",
            "author": "authorname|userid",
            "asked_at": "publishdate|created",
        },
        lookups=(
            Lookup(name="text", table="text", key="nodeid", via="nodeid", columns=("rawtext",)),
            Lookup(name="parent", table="node", key="nodeid", via="parentid", columns=("title",)),
        ),
        hidden={
            _UNAPPROVED: ("approved=no", "showapproved=no"),
            _DELETED: ("showpublished=no", "deleteuserid=not empty"),
            _CLOSED: ("viewperms=0,1",),
        },
        kept=("starter=same nodeid",),
        markup=Markup.BBCODE,
        is_escaped=True,
    ),
    Shape(
        name="xenforo",
        about="threads of XenForo",
        table="thread",
        needs=("thread_id", "title", "discussion_state|first_post_id|node_id"),
        lacks=("message",),
        fields={
            "id": "thread_id",
            "title": "title",
            "body": "post.message|FirstPost.message",
            "category": "node.title|Forum.title|node_id",
            "author": "username|user_id",
            "asked_at": "post_date",
            "url": "view_url",
            "views": "view_count",
            "answers": "reply_count",
            "votes": "first_post_reaction_score",
        },
        lookups=(
            Lookup(
                name="post", table="post", key="post_id", via="first_post_id", columns=("message",)
            ),
            Lookup(name="node", table="node", key="node_id", via="node_id", columns=("title",)),
            Lookup(
                name="private",
                table="permission_entry_content",
                key="content_id",
                via="node_id",
                columns=("permission_value",),
                where=(
                    "permission_id=viewNode",
                    "permission_value=reset,deny",
                    "user_group_id=0,1",
                ),
            ),
        ),
        hidden={
            _UNAPPROVED: ("discussion_state=moderated",),
            _DELETED: ("discussion_state=deleted",),
            _MOVED: ("discussion_type=redirect",),
            _CLOSED: ("private=found",),
        },
        url="threads/{id}/",
        markup=Markup.BBCODE,
    ),
    Shape(
        name="mybb",
        about="threads of MyBB",
        table="threads",
        needs=("tid", "fid", "subject"),
        lacks=("message", "pid"),
        fields={
            "id": "tid",
            "title": "subject",
            "body": "post.message",
            "category": "forum.name|fid",
            "author": "username|uid",
            "asked_at": "dateline",
            "views": "views",
            "answers": "replies",
            "closed": "closed",
        },
        lookups=(
            Lookup(name="post", table="posts", key="pid", via="firstpost", columns=("message",)),
            Lookup(
                name="forum",
                table="forums",
                key="fid",
                via="fid",
                columns=("name", "password", "active"),
            ),
            Lookup(
                name="guests",
                table="forumpermissions",
                key="fid",
                via="fid",
                columns=("canview", "canviewthreads"),
                where=("gid=1",),
            ),
        ),
        hidden={
            _UNAPPROVED: ("visible=0",),
            _DELETED: ("visible=-1", "deletetime=not empty"),
            "draft": ("visible=-2",),
            _MOVED: ("closed~^moved",),
            _CLOSED: (
                "forum.password=not empty",
                "forum.active=no",
                "guests.canview=no",
                "guests.canviewthreads=no",
            ),
        },
        url="showthread.php?tid={id}",
        markup=Markup.BBCODE,
    ),
    Shape(
        name="smf",
        about="topics of SMF",
        table="topics",
        needs=("id_topic|ID_TOPIC", "id_first_msg|ID_FIRST_MSG"),
        fields={
            "id": "id_topic|ID_TOPIC",
            "title": "message.subject",
            "body": "message.body",
            "category": "board.name|id_board|ID_BOARD",
            "author": "message.poster_name|message.posterName",
            "asked_at": "message.poster_time|message.posterTime",
            "views": "num_views|numViews",
            "answers": "num_replies|numReplies",
            "closed": "locked",
        },
        lookups=(
            Lookup(
                name="message",
                table="messages",
                key="id_msg|ID_MSG",
                via="id_first_msg|ID_FIRST_MSG",
                columns=(
                    "subject",
                    "body",
                    "poster_name",
                    "poster_time",
                    "posterName",
                    "posterTime",
                    "approved",
                    "icon",
                ),
            ),
            Lookup(
                name="board",
                table="boards",
                key="id_board|ID_BOARD",
                via="id_board|ID_BOARD",
                columns=("name", "member_groups", "memberGroups", "redirect"),
            ),
        ),
        hidden={
            _UNAPPROVED: ("approved=no", "message.approved=no"),
            _MOVED: ("id_redirect_topic=not empty", "message.icon=moved"),
            # -1 stands for guests.
            _CLOSED: (
                "board.member_groups!~(?:^|,)-1(?:,|$)",
                "board.memberGroups!~(?:^|,)-1(?:,|$)",
            ),
        },
        url="index.php?topic={id}.0",
        markup=Markup.BBCODE,
        is_escaped=True,
    ),
    Shape(
        name="smf",
        about="messages of SMF, the first of each topic",
        table="messages",
        needs=("id_msg|ID_MSG|id_first_msg|ID_FIRST_MSG", "id_topic|ID_TOPIC", "subject"),
        fields={
            "id": "id_topic|ID_TOPIC",
            "title": "subject",
            "body": "body",
            "category": "id_board|ID_BOARD",
            "author": "poster_name|posterName",
            "asked_at": "poster_time|posterTime",
        },
        hidden={_UNAPPROVED: ("approved=no",), _MOVED: ("icon=moved",)},
        kept=(f"subject{NO_REPLY}",),
        url="index.php?topic={id}.0",
        markup=Markup.BBCODE,
        is_escaped=True,
    ),
)

OTHERS = (
    NoQuestions(about="forums of phpBB", needs=("forum_id", "forum_name", "parent_id")),
    NoQuestions(about="forums of vBulletin", needs=("forumid", "title", "parentid")),
    NoQuestions(about="nodes of XenForo", needs=("node_id", "title", "node_type_id")),
    NoQuestions(about="forums of MyBB", needs=("fid", "name", "pid")),
    NoQuestions(about="boards of SMF", needs=("id_board", "name", "member_groups")),
    NoQuestions(about="posts of vBulletin", needs=("postid", "threadid", "pagetext")),
)
