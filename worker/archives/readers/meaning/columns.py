"""Finds the column of each field of a question in tables without a known shape.

Some names of titles are also used for persons, categories or pages. If the other columns look like
those of such things, the name is not used, and the user is asked.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from worker.archives.readers.meaning import languages
from worker.archives.readers.records import UnreadableArchiveError

TEXTS = ("title", "title2", "body")
NO_COLUMNS: Mapping[str, bool] = {}
FIELDS = ("id", "title", "body", "url", "category", "author", "asked_at")
_PAIRS = (
    ("question1", "question2"), ("questiona", "questionb"), ("firstquestion", "secondquestion"),
    ("title1", "title2"), ("titlea", "titleb"), ("q1", "q2"), ("text1", "text2"),
    ("sentence1", "sentence2"),
)  # fmt: skip
"""Names of the two questions of a pair."""
_VAGUE_PAIRS = frozenset({"q1", "text1", "sentence1"})
"""Pairs of other things have these names too, so a column of labels must be there."""
_IS_LABEL = frozenset(
    {"isduplicate", "duplicate", "isdup", "dup", "duplicates", "issame", "same", "samequestion"}
)
_TITLES = (
    "topictitle",
    "topicsubject",
    "qtitle",
    "questiontitle",
    "threadtitle",
    "discussiontitle",
    "posttitle",
    "title",
    "question",
    "subject",
    "postsubject",
    "threadsubject",
    "questiontext",
    "subjectline",
    "yourquestion",
    "whatisyourquestion",
    "whatsyourquestion",
    "enteryourquestion",
    "askyourquestion",
    "yourquestions",
    "ihrefrage",
    "deinefrage",
    "votrequestion",
    "tupregunta",
    "supregunta",
    "suapergunta",
    "titel",
    "titre",
    "titulo",
    "titolo",
    "betreff",
    "frage",
    "pregunta",
    "pergunta",
    "domanda",
    "asunto",
    "assunto",
    "sujet",
    "oggetto",
    "onderwerp",
    *languages.FIELDS["title"],
    "text",
)
_VAGUE = frozenset({"title", "text", "titel", "titre", "titulo", "titolo"}) | languages.VAGUE
"""Names of titles that are also used for other things than questions."""
_OTHERS = frozenset({
    "email", "password", "passwordhash", "trustlevel", "lastseenat", "lastvisit", "lastactivity",
    "joindate", "datejoined", "birthday", "usergroupid", "salt", "parentcategoryid",
    "topiccount", "topicscount", "threadcount", "postcount", "parentlist", "lft", "rgt",
    "displayorder", "avatar", "avatartemplate", "avatarurl", "bio", "signature", "reputation",
    "lastname", "surname", "nodetypeid", "forumtype", "boardorder", "minimumrequiredtags",
    "badgetypeid", "colour", "color",
    "price", "sku", "stock", "brand", "isbn", "genre", "genres", "director", "artist", "album",
    "publisher", "episode", "imdbid", "movieid", "bookid", "productid", "salary", "jobtitle",
    "department", "duration", "company", "companyname", "employer",
})  # fmt: skip
"""Columns of persons, categories, badges, tags, and of things that are sold, read or watched."""
_OTHER_TABLES = re.compile(
    r"(?:^|[_.])(?:users?|members?|people|persons?|participants|authors?|accounts?|profiles?|badges?"
    r"|groups?|categor(?:y|ies)|forums?|boards?|nodes?|roles?|tags?|sections?|staff|moderators"
    r"|comments?|answers?|repl(?:y|ies)|revisions?|pms?|dms?|inbox|outbox)$",
    re.IGNORECASE,
)
_PRIVATE_TABLES = re.compile(
    r"(?:^|[_.])(?:(?:private|personal|direct)_?(?:messages?|conversations?|msgs?|mails?)"
    r"|conversation_(?:master|messages?)|message_topics|pmtexts?|privmsgs?(?:_\w+)?)$",
    re.IGNORECASE,
)
_IN_GRAPHQL = re.compile(r"(?<=\w)\.(?:nodes|edges\.node)$")
_BESIDE_TEXT = frozenset({
    "", "id", "qid", "index", "unnamed0", "label", "category", "tags", "url", "link", "date",
    "created",
    "createdat", "language", "lang", "key", "pk", "score", "votes", "views", "deleted", "hidden",
})  # fmt: skip
"""Columns that a table with questions in ``text`` may have. With others ``text`` is of messages,
comments or posts.
"""
_CONTENT = frozenset(
    {"body", "raw", "cooked", "content", "text", "selftext", "message", "question"}
)
_REPLIES = frozenset({
    "parent", "parentid", "inreplyto", "replyto", "storyid", "postnumber", "commentid", "answerid",
    "parentcommentid", "linkid",
})  # fmt: skip
"""Columns of comments and answers."""
_OF_LANGUAGES = {name: own for name, own in languages.FIELDS.items() if name != "title"}
_ALIASES: Mapping[str, tuple[str, ...]] = {
    "id": (
        "qid1", "id1", "id", "qid", "externalid", "questionid", "topicid", "threadid",
        "discussionid", "tid", "postid", "pk", "issueid", "ticketid", "questionid1", "q1id",
        "uuid", "guid", "idtopic", "idthread", "nr", "identifiant", "number", "iid",
        "postlink", "objectid",
    ),
    "title": _TITLES,
    "body": (
        "body", "raw", "selftext", "posttext", "questionbody", "content", "excerpt", "description",
        "postcontent", "postbody",
        "message", "details", "summary", "inhalt", "contenu", "contenido", "conteudo",
        "beschreibung", "text",
    ),
    "url": ("url", "link", "permalink", "topicurl", "questionurl", "href"),
    "category": (
        "category", "categoryname", "categories", "categoryid", "forumname", "subreddit", "forumid",
        "topic",
    ),
    "author": (
        "author", "username", "userid", "posterid", "topicposter", "owneruserid", "authorname",
        "topicauthorname", "postedby", "createdby", "askedby", "autor", "auteur", "autore",
        "postername", "authorid",
    ),
    "asked_at": (
        "askedat", "createdat", "creationdate", "created", "date", "datetime", "timestamp",
        "topictime", "posttime", "createdutc", "publishedat", "postdate", "dateline", "createddate",
        "dategmt",
        "dateposted", "posteddate", "postedat", "postedon", "datecreated", "createdon",
        "creationtime", "createdtime",
        "createdt", "createdate", "timecreated", "dateadded", "addedat", "addedon",
        "dateasked",
        "askedon", "askeddate",
        "submittedat", "submitted", "insertedat", "dateinserted", "pubdate", "published",
        "publicationdate", "posted", "startdate", "erstelltam", "datum", "fecha", "data", "time",
    ),
    "answers": ("answercount", "replycount", "numreplies", "answers", "replies"),
    "accepted": ("hasacceptedanswer",),
    "accepted_answer": ("acceptedanswerid", "bestanswerid", "acceptedanswer"),
    "views": ("viewcount", "views", "numviews"),
    "votes": ("votes", "score", "upvotes", "points"),
    "tags": (
        "tags", "tagnames", "keywords", "tag", "taglist", "schlagworte", "etiquetas",
        "\u043c\u0435\u0442\u043a\u0438",
        "\u0442\u0435\u0433\u0438", "\u6807\u7b7e", "\u30bf\u30b0", "\ud0dc\uadf8",
    ),
    "closed": ("closed", "isclosed", "closedat", "closeddate", "locked", "islocked"),
    "language": ("language", "lang", "languagecode", "locale"),
    "updated_at": (
        "updatedat", "lasteditdate", "modifiedat", "editedat", "lastmodified", "updated",
    ),
    "duplicate_of": (
        "duplicateof", "duplicateofid", "duplicatequestionid", "duplicatepostid", "duplicateid",
        "dupof", "dupeof", "mergedinto",
        "mergedintoid",
        "duplicatedto", "duplicatedtoid", "duplicateto", "originalquestionid",
        "mergeinto", "mergeintotid", "mergedwith", "canonicalid",
        "canonicalquestionid",
    ),
    "id2": ("qid2", "id2", "questionid2", "q2id"),
    "title2": (),
    "label": ("isduplicate", "duplicate", "label", "isdup", "dup", "duplicates", "issame", "same",
              "samequestion", "dups", "duplicateids"),
    "duplicates": (),
}  # fmt: skip
_ALIASES = {name: (*own, *_OF_LANGUAGES.get(name, ())) for name, own in _ALIASES.items()}
WORDY = frozenset({*_ALIASES["title"], *_ALIASES["body"]})
"""Names of columns with texts of questions."""
DUPLICATES = frozenset({"duplicates", "dups", "duplicateids"})
"""In a table without pairs: the ids of a question's duplicates."""
_AROUND = re.compile(
    "^(?:question|topic|thread|discussion|q)(?=[a-z]{3})|(?<=[a-z]{3})(?:utc|gmt)$"
)
"""What may be around the name of a column, beside the name that is searched."""
_OF_QUESTION = re.compile(
    f"^(?:{languages.QUESTION})(?=.)|(?<=.)(?:(?:de|do|da|del|della|der|des|du|vande|of)"
    f"(?:{languages.OF_QUESTION})|(?:{languages.QUESTIONS}))$"
)
"""What makes the name of a column that of a question's title, text or date in other languages."""
_NUMBER = "#"
"""Redmine's name of its ids; other programs number the lines of a list with it."""
KEY = "_key"
"""The column of an object's key, if objects are under keys of their own."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The column of each field; a file of pairs also has ``title2``."""

    names: Mapping[str, str]

    @classmethod
    def resolve(
        cls,
        found: Sequence[str],
        chosen: Mapping[str, str] | None = None,
        *,
        is_nested: bool = False,
        wordless: Mapping[str, bool] = NO_COLUMNS,
    ) -> Self:
        """Return the columns for the names *found* in a file; *chosen* ones come first.

        If columns are nested, ``a.b`` chooses the ``b`` of a column ``a``. Columns that are
        *wordless* have texts only if there are no others, and never if this is certain (True).
        Raises `UnreadableArchiveError` if no column is certain to be the question.
        """
        names = {field: name for field, name in (chosen or {}).items() if name}
        check_chosen(names, found, is_nested=is_nested)
        every = _plain_names(found)
        wordy = {name: column for name, column in every.items() if not wordless.get(column)}
        taken = set(names.values())
        for field, aliases in _ALIASES.items():
            if field in (chosen or {}):
                continue
            plain, last = (wordy, wordless) if field in TEXTS else (every, NO_COLUMNS)
            usable: Sequence[str] = _usable_titles(plain) if field == "title" else aliases
            if field in {"title", "title2"} and (pair := _pair(plain)):
                usable = [pair[field == "title2"]]
            free = [plain[a] for a in usable if a in plain and plain[a] not in taken]
            if free:
                names[field] = next((name for name in free if name not in last), free[0])
                taken.add(names[field])
        if "category" not in names and "tags" in names and "category" not in (chosen or {}):
            names["category"] = names["tags"]
        own = next((name for name in (KEY, _NUMBER) if name in found), None)
        if "id" not in {*names, *(chosen or {})} and own and (own == KEY or "tracker" in every):
            names["id"] = own
        if "title2" not in names:
            _take_duplicates(names)
        elif "id2" not in names and "id" not in (chosen or {}):
            names.pop("id", None)  # the id is of the row, not of a question
        _check_title(names, found)
        return cls(names)

    @property
    def is_pairs(self) -> bool:
        """Return whether each row has two questions."""
        return "title2" in self.names


def _plain_names(found: Sequence[str]) -> dict[str, str]:
    """Return each column by its plain name, and by shorter forms of it if no other has those."""
    plain: dict[str, str] = {}
    for name in found:
        plain.setdefault(plain_name(name), name)
    for name in found:
        plain.setdefault(plain_name(languages.bare(name)), name)
    for name, column in list(plain.items()):  # ``question.created_at``, ``Asked on (UTC)``
        short = _AROUND.sub("", name)
        if short not in _TITLES:
            plain.setdefault(short, column)
        plain.setdefault(_OF_QUESTION.sub("", name), column)
    return plain


def _check_title(names: Mapping[str, str], found: Sequence[str]) -> None:
    if "title" not in names:
        some = ", ".join(map(repr, found[:20])) or "none"
        raise UnreadableArchiveError(
            f"no column is certain to hold the question: found {some}; name it with"
            " --map title=COLUMN, and where the first line is no header, name all columns with"
            " --columns id,title,..."
        )


def _take_duplicates(names: dict[str, str]) -> None:
    """Take the label of a table without pairs as the list of a question's duplicates."""
    if plain_name(names.get("label", "")) in DUPLICATES:
        names["duplicates"] = names.pop("label")


def plain_name(column: str) -> str:
    """Return the name of a column in small letters and digits only, without accents."""
    return languages.plain(column)


def is_of_others(name: str) -> bool:
    """Return whether a table of this name has persons, categories or the like.

    GraphQL writes every list under ``nodes``, or each element under ``edges.node``.
    """
    return _OTHER_TABLES.search(_IN_GRAPHQL.sub("", name)) is not None


def is_private(name: str) -> bool:
    """Return whether a table of this name has messages of one person to another."""
    return _PRIVATE_TABLES.search(_IN_GRAPHQL.sub("", name)) is not None


def _pair(plain: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the names of the two questions of a pair, if each row has two."""
    found = next((pair for pair in _PAIRS if plain.keys() >= set(pair)), None)
    is_certain = found and (found[0] not in _VAGUE_PAIRS or plain.keys() & _IS_LABEL)
    return found if is_certain else None


def _usable_titles(plain: Mapping[str, str]) -> list[str]:
    """Return the names that are surely titles of questions in a table with these columns."""
    names = {"name"} | languages.PERSONS
    is_named = bool(plain.keys() & names) and not plain.keys() & _CONTENT
    if is_named or plain.keys() & _OTHERS:
        return [name for name in _TITLES if name not in _VAGUE]
    if plain.keys() & _REPLIES:
        return [name for name in _TITLES if name != "text"]
    if plain.keys() - _BESIDE_TEXT - {"text"}:
        return [name for name in _TITLES if name != "text"]
    return list(_TITLES)


def check_chosen(names: Mapping[str, str], found: Sequence[str], *, is_nested: bool) -> None:
    """Raise `UnreadableArchiveError` if a chosen field or column does not exist."""
    for field, name in names.items():
        if field not in _ALIASES:
            raise UnreadableArchiveError(
                f"--map {field}={name}: no such field; there are {', '.join(_ALIASES)}"
            )
        if name not in found and not (is_nested and name.partition(".")[0] in found):
            raise UnreadableArchiveError(
                f"--map {field}={name}: no such column; found {', '.join(map(repr, found[:20]))}"
            )


def names_questions(names: Sequence[str]) -> bool:
    """Return whether *names* are names of columns, one of which surely has questions."""
    try:
        Columns.resolve(names)
    except UnreadableArchiveError:
        return False
    return True
