"""Further programs of forums and of sites with questions, as their dumps and exports have them.

Columns and meanings are those of the programs' public schemas: Vanilla, bbPress and other plugins
of WordPress, Question2Answer, Invision Community, PunBB and FluxBB; GitHub's issues and
discussions; the vocabulary of schema.org.
"""

from worker.archives.readers.markup import Markup
from worker.archives.readers.shapes import Lookup, NoQuestions, Shape

_DELETED, _UNAPPROVED, _PRIVATE = "deleted", "unapproved", "private"
_MOVED, _CLOSED = "moved", "closed category"

SHAPES = (
    Shape(
        name="vanilla",
        about="discussions of Vanilla",
        table="Discussion",
        needs=("DiscussionID|discussionID", "Name|name", "CategoryID|categoryID"),
        lacks=("CommentID", "commentID"),
        fields={
            "id": "DiscussionID|discussionID",
            "title": "Name|name",
            "body": "Body|body",
            "url": "Url|url",
            "category": "category.Name|Category|CategoryID|categoryID",
            "author": "InsertName|insertUser.name|InsertUserID|insertUserID",
            "asked_at": "DateInserted|dateInserted",
            "updated_at": "DateUpdated|dateUpdated",
            "views": "CountViews|countViews",
            "votes": "Score|score",
            "answers": "CountComments|countComments",
            "tags": "Tags|tags",
            "closed": "Closed|closed",
        },
        lookups=(
            Lookup(
                name="category",
                table="Category",
                key="CategoryID",
                via="CategoryID",
                columns=("Name", "PermissionCategoryID", "Archived"),
            ),
        ),
        hidden={
            _DELETED: ("DateDeleted=not empty", "Deleted=yes"),
            _MOVED: ("Type=Redirect", "type=redirect"),
            # Of its permissions a category that has its own keeps them under its number.
            _CLOSED: ("category.PermissionCategoryID!=-1,,1",),
        },
        url="discussion/{id}",
        is_escaped=True,
    ),
    Shape(
        name="wordpress",
        about="topics or questions of a plugin of WordPress",
        table="posts",
        needs=("ID", "post_title", "post_type", "post_status"),
        fields={
            "id": "ID",
            "title": "post_title",
            "body": "post_content",
            "url": "guid",
            "category": "forum.post_title",
            "author": "user.display_name|post_author",
            "asked_at": "post_date_gmt|post_date",
            "updated_at": "post_modified_gmt|post_modified",
        },
        lookups=(
            Lookup(
                name="forum",
                table="posts",
                key="ID",
                via="post_parent",
                columns=("post_title", "post_status"),
                where=("post_type=forum",),
            ),
            Lookup(
                name="user", table="users", key="ID", via="post_author", columns=("display_name",)
            ),
        ),
        hidden={
            _DELETED: ("post_status=trash,inherit,auto-draft",),
            _UNAPPROVED: ("post_status=pending,draft,future,spam,moderate",),
            _PRIVATE: ("post_status=private,private_post", "post_password=not empty"),
            "hidden": ("post_status!=publish,closed,solved,answered,open,unsolved",),
            _CLOSED: ("forum.post_status=private,hidden",),
        },
        kept=("post_type=topic,question,dwqa-question,sabai_question,ask_question,wpforo_topic",),
        markup=Markup.HTML,
    ),
    Shape(
        name="wordpress",
        about="an export of WordPress with topics or questions",
        needs=("title", "post_id", "post_type", "status"),
        fields={
            "id": "post_id",
            "title": "title",
            "body": "encoded.0|encoded|description",
            "url": "link",
            "category": "category",
            "author": "creator",
            "asked_at": "post_date_gmt|pubDate",
        },
        hidden={
            _DELETED: ("status=trash,inherit,auto-draft",),
            _UNAPPROVED: ("status=pending,draft,future,spam",),
            _PRIVATE: ("status=private", "post_password=not empty"),
            "hidden": ("status!=publish,closed,solved,answered,open,unsolved",),
        },
        kept=("post_type=topic,question,dwqa-question,sabai_question,ask_question,wpforo_topic",),
        markup=Markup.HTML,
    ),
    Shape(
        name="question2answer",
        about="questions of Question2Answer",
        table="posts",
        needs=("postid", "type", "title", "content"),
        fields={
            "id": "postid",
            "title": "title",
            "body": "content",
            "category": "category.title|categoryid",
            "author": "user.handle|name|userid",
            "asked_at": "created",
            "updated_at": "updated",
            "views": "views",
            "votes": "netvotes",
            "answers": "acount",
            "tags": "tags",
            "accepted_answer": "selchildid",
            "closed": "closedbyid",
        },
        lookups=(
            Lookup(
                name="category",
                table="categories",
                key="categoryid",
                via="categoryid",
                columns=("title",),
            ),
            Lookup(name="user", table="users", key="userid", via="userid", columns=("handle",)),
        ),
        hidden={"hidden": ("type=Q_HIDDEN",), _UNAPPROVED: ("type=Q_QUEUED",)},
        kept=("type=Q,Q_HIDDEN,Q_QUEUED",),
        url="{id}",
        markup=Markup.HTML,
    ),
    Shape(
        name="invision",
        about="topics of Invision Community",
        table="topics",
        needs=("tid", "title", "starter_id", "approved"),
        lacks=("fid",),
        fields={
            "id": "tid",
            "title": "title",
            "body": "post.post",
            "category": "forum.name|forum_id",
            "author": "starter_name|starter_id",
            "asked_at": "start_date",
            "views": "views",
            "answers": "posts",
        },
        lookups=(
            Lookup(name="post", table="posts", key="pid", via="topic_firstpost", columns=("post",)),
            Lookup(
                name="forum",
                table="forums",
                key="id",
                via="forum_id",
                columns=("name", "password", "permission_showtopic"),
            ),
        ),
        hidden={
            _UNAPPROVED: ("approved=0",),
            "hidden": ("approved=-1", "is_future_entry=yes"),
            _DELETED: ("approved=-2,-3",),
            _MOVED: ("state=link,merged", "moved_to=not empty"),
            _CLOSED: ("forum.password=not empty",),
        },
        url="index.php?showtopic={id}",
        markup=Markup.HTML,
        is_escaped=True,
    ),
    Shape(
        name="fluxbb",
        about="topics of PunBB or FluxBB",
        table="topics",
        needs=("id", "subject", "poster", "posted", "forum_id"),
        lacks=("message", "topic_id"),
        fields={
            "id": "id",
            "title": "subject",
            "body": "post.message",
            "category": "forum.forum_name|forum_id",
            "author": "poster",
            "asked_at": "posted",
            "views": "num_views",
            "answers": "num_replies",
            "closed": "closed",
        },
        lookups=(
            Lookup(name="post", table="posts", key="id", via="first_post_id", columns=("message",)),
            Lookup(name="forum", table="forums", key="id", via="forum_id", columns=("forum_name",)),
            Lookup(
                name="guests",
                table="forum_perms",
                key="forum_id",
                via="forum_id",
                columns=("read_forum",),
                where=("group_id=3",),
            ),
        ),
        hidden={_MOVED: ("moved_to=not empty",), _CLOSED: ("guests.read_forum=no",)},
        url="viewtopic.php?id={id}",
        markup=Markup.BBCODE,
    ),
    Shape(
        name="github",
        about="issues or discussions of GitHub",
        needs=("number", "title", "body", "created_at|createdAt", "html_url|url|state"),
        fields={
            "id": "id|number",
            "title": "title",
            "body": "body",
            "url": "html_url|url",
            "category": "category.name|labels.0.name",
            "author": "user.login|author.login",
            "asked_at": "created_at|createdAt",
            "updated_at": "updated_at|updatedAt",
            "answers": "comments",
        },
        # To the API a pull request is an issue as well.
        hidden={"pull request": ("pull_request=found", "html_url~/pull/\\d")},
        markup=Markup.MARKDOWN,
    ),
    Shape(
        name="schema.org",
        about="questions in the vocabulary of schema.org",
        needs=("name", "acceptedAnswer|suggestedAnswer|answerCount"),
        fields={
            "title": "name",
            "body": "text",
            "url": "url",
            "author": "author.name",
            "asked_at": "dateCreated|datePublished",
            "votes": "upvoteCount",
            "answers": "answerCount",
        },
        kept=("@type=Question",),
        markup=Markup.HTML,
    ),
)

OTHERS = (
    NoQuestions(about="comments of Stack Exchange", needs=("PostId", "Text")),
    NoQuestions(about="answers in the vocabulary of schema.org", needs=("@type", "text")),
    NoQuestions(about="categories of Vanilla", needs=("CategoryID", "Name")),
    NoQuestions(about="users of Vanilla", needs=("UserID", "Name")),
    NoQuestions(about="forums of Invision Community", needs=("name", "permission_showtopic")),
)
