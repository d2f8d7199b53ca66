"""Newer forum programs that keep their threads in tables: dumps of those, and exports of one.

Columns and meanings are those of the programs' public schemas: Flarum 1, Discourse, Askbot, Misago.
"""

from worker.archives.readers.markup import Markup
from worker.archives.readers.shapes import Lookup, Shape

_DELETED, _UNAPPROVED, _PRIVATE = "deleted", "unapproved", "private"
_CLOSED = "closed category"

SHAPES = (
    Shape(
        name="flarum",
        about="discussions of Flarum",
        table="discussions",
        needs=("id", "title", "first_post_id|last_post_id|comment_count", "slug"),
        lacks=("archetype",),
        fields={
            "id": "id",
            "title": "title",
            "body": "post.content",
            "category": "tag.name",
            "author": "user.username|user_id",
            "asked_at": "created_at",
            "closed": "is_locked",
            "views": "view_count",
        },
        lookups=(
            Lookup(
                name="post",
                table="posts",
                key="id",
                via="first_post_id",
                columns=("content", "hidden_at"),
            ),
            Lookup(name="user", table="users", key="id", via="user_id", columns=("username",)),
            Lookup(
                name="tagged",
                table="discussion_tag",
                key="discussion_id",
                via="id",
                columns=("tag_id",),
            ),
            Lookup(
                name="tag",
                table="tags",
                key="id",
                via="tagged.tag_id",
                columns=("name", "is_restricted", "is_hidden"),
            ),
        ),
        hidden={
            _UNAPPROVED: ("is_approved=no",),
            _DELETED: ("hidden_at=not empty", "post.hidden_at=not empty"),
            _PRIVATE: ("is_private=yes",),
            _CLOSED: ("tag.is_restricted=yes", "tag.is_hidden=yes"),
        },
        url="d/{id}",
        markup=Markup.HTML,
    ),
    Shape(
        name="discourse",
        about="topics of Discourse",
        table="topics",
        needs=("id", "title", "archetype"),
        lacks=("post_stream",),
        fields={
            "id": "id",
            "title": "title",
            "body": "post.raw|post.cooked|raw|cooked|excerpt|blurb",
            "category": "category.name|category_name|category_id",
            "author": "user.username|user_id|last_poster_username",
            "asked_at": "created_at",
            "views": "views",
            "votes": "like_count",
            "closed": "closed",
            "answers": "reply_count",
        },
        lookups=(
            Lookup(
                name="post",
                table="posts",
                key="topic_id",
                via="id",
                columns=("raw", "cooked", "hidden", "deleted_at"),
                where=("post_number=1",),
            ),
            Lookup(
                name="category",
                table="categories",
                key="id",
                via="category_id",
                columns=("name", "read_restricted"),
            ),
            Lookup(name="user", table="users", key="id", via="user_id", columns=("username",)),
        ),
        hidden={
            _PRIVATE: ("archetype=private_message", "subtype=user_to_user,system_message"),
            _DELETED: ("deleted_at=not empty", "post.deleted_at=not empty"),
            "hidden": ("visible=no", "post.hidden=yes"),
            _CLOSED: ("category.read_restricted=yes", "shared_draft=yes"),
        },
        url="t/{id}",
        markup=Markup.MARKDOWN,
    ),
    Shape(
        name="askbot",
        about="threads of Askbot",
        table="askbot_thread",
        needs=("id", "title", "tagnames"),
        fields={
            "id": "post.id|id",
            "title": "title",
            "body": "post.text",
            "category": "tagnames",
            "author": "user.username|post.author_id",
            "asked_at": "added_at|post.added_at",
            "views": "view_count",
            "votes": "points|score",
            "answers": "answer_count",
            "closed": "closed",
            "accepted_answer": "accepted_answer_id",
            "language": "language_code",
        },
        lookups=(
            Lookup(
                name="post",
                table="askbot_post",
                key="thread_id",
                via="id",
                columns=("id", "text", "author_id", "added_at", "deleted", "approved"),
                where=("post_type=question",),
            ),
            Lookup(
                name="user",
                table="auth_user",
                key="id",
                via="post.author_id",
                columns=("username",),
            ),
            Lookup(
                name="group",
                table="askbot_threadtogroup",
                key="thread_id",
                via="id",
                columns=("group_id",),
            ),
            Lookup(
                name="everyone",
                table="auth_group",
                key="id",
                via="group.group_id",
                columns=("name",),
            ),
        ),
        hidden={
            _DELETED: ("deleted=yes", "post.deleted=yes"),
            _UNAPPROVED: ("approved=no", "post.approved=no"),
            _PRIVATE: ("everyone.name!=everyone",),
        },
        url="question/{id}/",
        markup=Markup.MARKDOWN,
    ),
    Shape(
        name="misago",
        about="threads of Misago",
        table="misago_threads_thread",
        needs=("id", "title", "started_on|started_at", "first_post_id|is_unapproved"),
        fields={
            "id": "id",
            "title": "title",
            "body": "post.original",
            "category": "category.name|category_id",
            "author": "starter_name",
            "asked_at": "started_on|started_at",
            "answers": "replies",
            "closed": "is_closed",
        },
        lookups=(
            Lookup(
                name="post",
                table="misago_threads_post",
                key="id",
                via="first_post_id",
                columns=("original", "is_hidden", "is_unapproved"),
            ),
            Lookup(
                name="category",
                table="misago_categories_category",
                key="id",
                via="category_id",
                columns=("name", "special_role", "tree_id"),
            ),
        ),
        hidden={
            _UNAPPROVED: ("is_unapproved=yes", "post.is_unapproved=yes"),
            "hidden": ("is_hidden=yes", "post.is_hidden=yes"),
            _PRIVATE: ("category.special_role=private_threads", "category.tree_id=0"),
        },
        markup=Markup.MARKDOWN,
    ),
)
