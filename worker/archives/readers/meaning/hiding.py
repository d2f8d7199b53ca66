"""Rules from column names that show which questions a forum hides, for unknown shapes.

A name has three parts: what it is about (``is``, ``topic``), the deciding word, and what is stored
of it (``_at``, ``_by``). So ``isDeleted``, ``topic_deleted_at`` and ``removal_reason`` are one
kind. The rules hide rather too much: a question that is hidden by mistake is counted in the report,
but one that is shown by mistake is not noticed.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from worker.archives.readers.meaning import languages
from worker.archives.readers.values.conditions import Condition

Rule = tuple[str, Condition]
_UNSHOWN = frozenset(
    {"no", "hidden", "invisible", "unpublished", "unlisted", "private", "draft", "deleted"}
)
_NOT_SHOWN = _UNSHOWN | {"-1", "-2", "2", "3", "4", "0%"}
"""Values of a column such as ``visible`` for hidden rows; programs also use 2 and more."""

_ABOUT = (
    r"(?:is|was|has|been|post|topic|thread|question|discussion|record|row|item|entry|ticket|soft"
    r"|hard|admin|mod|moderator|system|date|time|posting|content|review|article|page|issue|case"
    r"|bug|message|comment|publication|parent|root|odata|ows|custom|conversation"
    r"|document|doc|node|object|story|submission|shadow"
    rf"|{'|'.join(languages.ABOUT)})*"
)
_KEPT = (
    r"(?:topic|post|thread|question|message|discussion)?"
    r"(?:at|on|date|datetime|time|timestamp|ts|utc|by|byid|byuser|byuserid|userid|username|reason"
    r"|by(?:a|the)?(?:mod|moderator|admin|administrator|staff|owner|author|system|poster)s?(?:id)?"
    rf"|category|bycategory|flag|state|status|yn|flg|ind|mark|{'|'.join(languages.KEPT)})?"
)
_PLACES = (
    "category|forum|board|node|section|subforum|space|channel|group|room|area|community|project"
    "|course|workspace|subreddit"
)
_FLAGS: Mapping[str, str] = {
    "deleted": "deleted|deletion|trash|trashed|removed|removal|erased|purged|discarded|destroyed"
    "|banned|withdrawn|retracted|del|delete(?=flag|state|status|time|date|at|by|mark)|tombstoned?"
    "|dead|redacted|redaction|scrubbed|wiped|binned|recycled|(?:in(?:the)?)?(?:trash|recyclebin"
    "|bin)"
    "|(?:dmca|legal|copyright)?(?:takedown|takendown)|(?:gdpr|user|self|owner)(?:deleted|erased"
    "|removed)",
    "unapproved": "unapproved|spam|junk|draft|unpublished|pending|rejected|quarantined|queued"
    "|scheduled|awaitingapproval|awaitingmoderation|needsapproval|needsmoderation|inmoderation"
    "|requiresapproval|approvalrequired|embargoed|unmoderated|moderated|needmoderate"
    "|heldfor(?:moderation|review)"
    "|declined|disapproved|denied|refused|vetoed|unaudited|(?:donot|dont)publish|not(?:published"
    "|approved)",
    "closed category": f"(?:{_PLACES})(?:is)?"
    "(?:private|hidden|restricted|readrestricted|secret|unlisted|staffonly|membersonly|deleted)",
    "private": "private|pm|dm|privatemessage|directmessage|restricted|confidential|secret|internal"
    "|protected|passwordprotected|(?:has|access)?password|readrestricted|nonpublic|sensitive"
    "|recipients?(?:userids?|ids?|names?)?|tousers?(?:ids?|names?)?"
    "|only(?:author|owner|me|self)(?:can(?:view|see|read))?"
    "|premium|vip|paywall(?:ed)?|nonpublic|not(?:for)?public|forstaff|staffonly"
    "|(?:login|auth|registration|membership)(?:needed|toview|toread)"
    "|(?:paid|group|vip|premium|patrons?|subscribers?|supporters?|customers?|employees?"
    "|friends?)only"
    "|(?:staff|team|admins?|mods?|moderators?|members?|registered|users?"
    "|loggedin|internal|private)only|(?:requires?|needs?)(?:login|auth|registration|membership)"
    "|(?:login|auth|registration|membership)(?:required|only)"
    "|(?:only|just)for(?:staff|team|admins?|mods?|moderators?|members?|registered|users?)",
    "announcement": "announcement",
    "hidden": "(?:user|self|owner)?hidden|hide|invis(?:ible)?|unlist(?:ed)?|suppressed|censored"
    "|withheld"
    "|ghosted|(?:donot|dont)(?:show|list|display|index)|not(?:listed|shown)|deactivated|offline"
    "|notvisible|disabled|inactive|blocked|suspended"
    "|shadowbanned|quarantined?|noindex|excludedfrom(?:search|listings?)"
    "|excludefrom(?:search|listings?)"
    "|(?:hide|hidden|invisible)(?:from|for|to|in|on)(?:guests?|public|visitors|anonymous"
    "|everyone|lists?"
    "|listings?|search|feeds?|site|web|website)",
}
_SHOWN = (
    r"(?:visible|viewable|readable|shown|open|accessible)(?:to|by|for)(?:guests?|public|everyone"
    r"|everybody"
    r"|anyone|all)|(?:guests?|public|everyone|everybody|anyone|anonymous)(?:can)?(?:view|see"
    r"|read|access)"
    r"(?:able)?|(?:can)?(?:guests?|everyone|anyone)(?:can)?(?:view|see|read)|publicly(?:visible"
    r"|viewable"
    r"|readable|accessible)|(?:allows?)guests?|guests?(?:allowed|access|visible)|publicaccess"
    r"|visible|public|published|publish|approved|listed|active|enabled|accessible"
    r"|(?:shown?|display(?:ed)?)(?:on|in)?(?:site|web|website|forum|portal|frontend)?|online"
    r"|searchable"
    r"|validated|valid|showed|shows|disp|vis|enable|audit(?:ed)?|vetted"
    rf"|released|live|{'|'.join(languages.SHOWN)}"
)
_SAYS = (
    r"status|state|sts|akismet|antispam|visibility|classification|confidentiality|(?:view|read"
    r"|access|sharing)scope"
    r"|access|accessle?ve?l|privacy|permissions?|audience|security|archetype"
    r"|lifecycle|workflow|moderation|approval|publication|publish|visibleto|viewpermissions?"
    r"|readpermissions?|viewaccess|readaccess|viewableby|scope|type|flags?|labels?|options?|robots"
    r"|(?:audit|review|check|display|show|vetting|screening|verification)(?=stat|result|decision)"
    rf"|sharing|share|sharedwith|{'|'.join((*languages.SAYS, *languages.READERS))}"
)
_IN_WORDS = (
    "(?:status|state|type|scope|setting|mode|level|class|policy|result|decision|outcome|verdict)?"
    "(?:text|name|label|string|title|value|word|display|desc(?:ription)?)?"
)
"""What may follow such a name: ``status_text`` stands beside a number."""
_WORDS: Mapping[str, str] = {
    "deleted": r"(?:soft|hard)?[ _-]?deleted|removed|trash|trashed|erased|purged|withdrawn"
    r"|retracted|redacted",
    "unapproved": r"pending|spam|flagged|unapproved|not[ _-]?(?:yet[ _-])?(?:approved|published)"
    r"|(?:wc-|auto-)?drafts?|rejected|declined|moderated|unmoderated|unpublish(?:ed)?"
    r"|queued|inherit|future|scheduled|quarantined?|in[ _-]?moderation|moderation|waiting|embargoed"
    r"|(?:awaiting|needs|pending|in)[ _-]?(?:approval|moderation|review)",
    "private": r"private|private[ _-]?(?:message|topic|thread)s?|pm|dm|direct[ _-]?message|whisper"
    r"|staff|team|internal|restricted|restrict(?:ed)?[_-]view[\w-]*|confidential|secret|members?"
    r"|moderators?|mods?|admins?|non[ _-]?public|not[ _-]?public|invite(?:d|es)?(?=[ _-]?only)"
    r"|administrators?|registered(?:[ _-]?users)?|logged[ _-]?in|users|direct|friends"
    r"|followers?|subscribers?|patrons?|employees?|colleagues|staff[ _-]?members?",
    "announcement": r"(?:global[ _-]?)?announcements?|newsitem|news[ _-]?item",
    "hidden": r"hidden|unlist(?:ed)?|invisible|disabled|inactive|suspended|blocked|not[ _-]?visible"
    r"|retired|noindex|shadow(?:ed|[ _-]?banned)?",
}
_OF_STATES: Mapping[str, str] = {
    "deleted": r"deleted?|del|purge|banned|(?:taken|take)[ _-]?down|deletion[ _-](?:pending"
    r"|requested)"
    r"|(?:(?:in|to)[ _-](?:the[ _-])?)?(?:trash|bin|trash[ _-]can|recycled?[ _-]?bin)"
    r"|(?:to[ _-]be|marked[ _-]for|pending|awaiting|scheduled[ _-]for)[ _-]?(?:deleted|deletion"
    r"|removal)",
    "unapproved": r"disapproved|denied|refused|unreviewed|preview|temp(?:orary)?|held"
    r"|(?:on|under)[ _-]?moderation|being[ _-](?:moderated|reviewed)"
    r"|(?:on[ _-])?h(?:eld|old)[ _-]?for[ _-]?(?:moderation|review|approval)",
    "private": "premium|paid|vip",
    "hidden": r"hide|not[ _-]?(?:shown|listed|displayed)|offline|deactivated|suppressed|censored"
    r"|withheld|ghosted",
}
"""Further values of a column of states; as a label or type they may be what a question is about."""
_KINDS = "type|kind|posttype|nodetype|contenttype|messagetype"
_OTHER_KINDS = r"answers?|comments?|repl(?:y|ies)|responses?"
"""Values of a column of kinds for rows that are no questions."""
_CLOSED = (
    r"(?:staff|team|admins?|mods?|moderators?|members?|internal|private|employees?|premium"
    r"|subscribers?|patrons?)[ _-]?only"
    r"|(?:only[ _-]?)?for[ _-]?(?:staff|mods?|moderators?|members?)"
    r"|(?:staff|mods?|moderators?)[ _-]?(?:area|lounge|room|forum)|confidential|non[ _-]?public"
    r"|not[ _-]?public|do[ _-]?not[ _-]?(?:publish|share)"
)
"""Tags and categories that surely have what not everybody may read."""
_CLOSED_TAGS = "private|internal|staff|hidden|unlisted|restricted|moderators|mods|admins|employees"
_CLOSED_CATEGORIES = (
    r"(?:the )?(?:(?:staff|moderators?|mods|admins?|administrators?|internal|private|hidden|deleted"
    r"|trash|trash ?can|recycled? ?bin)(?:'s)?(?: (?:area|forum|room|discussions?|section|category"
    r"|board|topics|posts|chat|lounge|channel|zone|corner|office|notes|planning))?"
    r"|(?:mod|team|vip|core team|leadership)(?:'s)? (?:area|forum|room|chat|lounge|channel|zone))"
)
_ROLES = (
    r"(?:(?:required?|requires|min|minimum|needed|allowed|permitted|view|viewer|read|reader|access)"
    r"(?:user)?(?:roles?|groups?|ranks?|permissions?|teams?|trustlevel)"
    r"|(?:user)?(?:roles?|groups?|ranks?|permissions?|teams?)(?:required|needed|allowed)"
    r"|can(?:read|view)(?:usercriteria|users?|groups?|roles?))(?:ids?)?"
)
"""Names of columns with the roles or groups that may read a row."""
_STATES = (
    r"(?:status|state|sts|visibility|access|accessle?ve?l|privacy|permissions?|audience|lifecycle"
    r"|workflow|moderation|approval|publication|publish|classification|confidentiality"
    r"|(?:audit|review|check|display|show|verification)(?=stat)|readperm"
    rf"|{'|'.join(languages.SAYS)})(?:status|state|level)?|{_ROLES}"
)
"""Names of `_SAYS` under which programs also write a number."""
_BY = "is|was|by|user|author|owner|mod|moderator|admin|system|self|auto|post|topic|thread|question"
"""Words before a word that hides, such as in ``user_deleted``."""
_READERS = (
    r"visibility|privacy|accessle?ve?l|visibleto|viewableby|viewers|readers|acl|confidentiality"
    r"|classification"
    rf"|{_ROLES}|(?:view|read)(?:access|permissions?|scope|ableby)|{'|'.join(languages.READERS)}"
)
"""Names of columns that say who may read a row."""
_APPROVERS = (
    r"moderation|approval|(?:audit|review|check|vetting|screening|verification)"
    rf"(?=stat|result|decision|outcome|verdict)|{'|'.join(languages.APPROVERS)}"
)
"""Names of columns that say whether somebody approved a row."""
_EVERYBODY = (
    r"public|publicly|everyone|everybody|anyone|anybody|all|all[ _-]?(?:users|networks|visitors)"
    r"|any|visible|open|world|anonymous|guests?|visitors?|normal|default|full|internet|published"
    r"|listed|free|yes|true|t|y|on"
    rf"|none|null|nan|{languages.EVERYBODY}|(?:visibility|access)[ _-]?public"
    rf"|public[ _-]read(?:[ _-]write)?"
)
_APPROVED = (
    rf"{_EVERYBODY}|approved?|(?:auto|pre)[ _-]?approved|accepted?|pass(?:ed)?|ok|okay|done"
    rf"|completed?|reviewed"
    r"|checked|verified|audited|clean|clear(?:ed)?|ham|safe|active|live|closed|resolved|locked"
    r"|archived"
    r"|success|finished|valid|good|fine|(?:not?|none)[ _-]?(?:required|needed|action|spam|issues?)"
    rf"|n/?a|{languages.APPROVED}|approved[ _-](?:by|on|at)\b.*"
)


def _none_of(words: str) -> re.Pattern[str]:
    """Return a pattern of a text of which no part is one of *words*; a number is no such text."""
    return re.compile(
        rf"\A(?!(?:.*[,;|\[(\"'])?\s*(?:{words})\s*(?:[,;|\])\"']|\Z)).*[^\W\d_]",
        re.IGNORECASE | re.DOTALL,
    )


_NOT_EVERYBODY, _NOT_APPROVED = _none_of(_EVERYBODY), _none_of(_APPROVED)
_HELPERS = re.compile(r"\A\s*(?:agents?|support|partners)\s*\Z", re.IGNORECASE)
_GROUPS = re.compile(r"\A[\[{(\s]*[1-9]\d*(?:[\s,;|]+[1-9]\d*)+[\]})\s]*\Z")
"""Several numbers of groups, none of which is that of everybody."""
REPLY = (
    "\\s*(?:re|aw|antw|antwort|sv|vs|fwd?|wg|tr|rv|res|odp|ynt|\u043e\u0442\u0432|\u0438\u0445"
    "|\u56de\u590d|\u7b54\u590d)"
    "\\s*(?:[\\[(]\\d+[\\])])?\\s*[:\uff1a]"
)
"""The mark of mail programs in the title of a reply."""
_PARENT = re.compile(r"(?:parent|inreplyto|replyto)(?:post|message|topic)?(?:id|uid)?")
_SHOWING = frozenset(
    {"empty", "public", "visible", "published", "approved", "active", "open", "ok", "normal",
     "never", "nobody", "everyone", "everybody", "all", "regular", "anyone", "live"}
)  # fmt: skip


def reply_rules(names: Iterable[str], title: str) -> Iterator[Rule]:
    """Yield the rule of replies, if one of *names* is of the row that another row answers."""
    if any(_PARENT.fullmatch(languages.plain(name)) for name in names):
        pattern = re.compile(rf"^{REPLY}", re.IGNORECASE)
        yield "no question", Condition(title, frozenset(), pattern=pattern)


def hiding_rules(names: Iterable[str], taken: Iterable[str] = ()) -> tuple[Rule, ...]:
    """Return the rules for the columns *names*, some of them nested (``meta.deleted``).

    A column that is *taken* for a field of the question has no rule, except a date of publishing.
    """
    used = set(taken)
    return tuple(
        rule
        for name in dict.fromkeys(names)
        for rule in (_unpublished(name) if name in used else _rules_of(name))
    )


def label_rules(
    tags: Iterable[str], categories: Iterable[str], *, is_known: bool = False
) -> Iterator[Rule]:
    """Yield the rules of the columns of tags and categories.

    In a known program (*is_known*) only labels that can mean nothing else hide a question.
    """
    for column in tags:
        words = _tag(_CLOSED, r"\s")
        if not is_known:
            alone = f"{_CLOSED_TAGS}|{languages.values_of('private')}"
            words = f"{words}|{_tag(alone)}"
        pattern = re.compile(words, re.IGNORECASE)
        yield "private tag", Condition(column, frozenset(), pattern=pattern)
    words = _CLOSED if is_known else f"{_CLOSED}|{_CLOSED_CATEGORIES}"
    closed = re.compile(_part(f"{words}|{languages.values_of('private')}"), re.IGNORECASE)
    for column in categories:
        yield "closed category", Condition(column, frozenset(), pattern=closed)


def places(names: Iterable[str]) -> list[str]:
    """Return the columns *names* with the name of a forum, board, room or the like."""
    form = re.compile(rf"(?:topic|thread|question)?(?:{_PLACES})(?:name|title|path|slug|id|key)?")
    return [name for name in names if form.fullmatch(languages.plain(name))]


def _part(words: str) -> str:
    """Return a regular expression for one of *words* as a whole part of a path or list."""
    begin, end = r"/\\>|\u00bb\u203a\u2192:,;\[(\"'{", r"/\\<>|\u00bb\u203a\u2192:,;\]()\"'}"
    return rf"(?:\A|[{begin}]|\s-)\s*(?:{words})\s*(?:\Z|[{end}]|-\s)"


def _tag(words: str, between: str = "") -> str:
    """Return a regular expression for one of *words* as a whole tag of a list."""
    marks = rf",;|<>\[\]{{}}\"'#{between}"
    return rf"(?:^|[{marks}]) ?(?:{words}) ?(?:$|[{marks}])"


def states(names: Iterable[str]) -> list[str]:
    """Return the columns that say whether a question is shown, perhaps by a number."""
    form = re.compile(rf"{_ABOUT}(?:{_STATES}|{_KINDS})(?:id|code|num)?")
    return [
        name
        for name in names
        if form.fullmatch(languages.plain(name.rpartition(".")[2]))
        and all(rule.pattern is not None for _, rule in _rules_of(name))
    ]


def shown_flags(names: Iterable[str]) -> list[str]:
    """Return the columns that show a question by a yes, a person or a moment."""
    form = re.compile(rf"{_ABOUT}(?:{_SHOWN}|approvedby(?:id|user|userid)?)")
    return [name for name in names if form.fullmatch(languages.plain(name.rpartition(".")[2]))]


def place_of(table: str) -> str:
    """Return what a *table* of forums, categories or the like has; empty for other tables."""
    form = re.compile(rf"(?:.*[_.])?({_PLACES}|categorie|communitie)e?s?", re.IGNORECASE)
    found = form.fullmatch(table)
    if found is None:
        return ""
    return re.sub("ie$", "y", found[1].lower())


def _unpublished(column: str) -> Iterator[Rule]:
    """Yield the rule of a moment of publishing: without one the row is not published."""
    if re.fullmatch(rf"{_ABOUT}published", languages.plain(column.rpartition(".")[2])):
        yield "unapproved", Condition(column, _UNSHOWN)
    if re.fullmatch(
        rf"{_ABOUT}(?:publish|published|approved|released?)(?:at|on|date|time|datetime)",
        languages.plain(column.rpartition(".")[2]),
    ):
        yield "unapproved", Condition(column, frozenset({"empty", "future"}))
    if re.fullmatch(
        rf"{_ABOUT}(?:embargo(?:ed)?(?:until|to|date|end)|(?:visible|available|publish(?:ed)?"
        rf"|shown?)"
        "(?:from|after|since|start|up)|(?:hid(?:e|den)|private|unlisted|draft|scheduled)(?:until"
        "|till|for))",
        languages.plain(column.rpartition(".")[2]),
    ):
        yield "unapproved", Condition(column, frozenset({"future"}))
    if re.fullmatch(
        rf"{_ABOUT}(?:(?:un|de)publish(?:at|on|date|time|datetime)|(?:visible|available|shown?"
        rf"|online"
        "|publish(?:ed|ing)?|publication|listed|valid)(?:to|until|till|down|end|ends|enddate"
        "|endat))",
        languages.plain(column.rpartition(".")[2]),
    ):
        yield "hidden", Condition(column, frozenset({"past"}))


def _rules_of(column: str) -> Iterator[Rule]:
    plain = languages.plain(column.rpartition(".")[2])
    yield from _rules_of_flags(column, plain)
    yield from _unpublished(column)
    if re.fullmatch(rf"{_ABOUT}(?:{_KINDS})", plain):
        yield "no question", Condition(column, frozenset(), pattern=_pattern(_OTHER_KINDS))
    yield from _rules_of_place(column, plain)
    yield from _rules_of_words(column, plain)


def _rules_of_flags(column: str, plain: str) -> Iterator[Rule]:
    """Yield the rules of a column that says yes or no."""
    if plain == "isdelete":  # without the verb it may be a button
        yield "deleted", Condition(column, _SHOWING, negated=True)
    for reason, words in _FLAGS.items():
        if re.fullmatch(rf"{_ABOUT}(?:{words}|{languages.said_by(reason)}){_KEPT}", plain):
            yield reason, Condition(column, _SHOWING, negated=True)
    ends = f"yn|flg|flag|ind|{'|'.join(languages.KEPT)}"
    if re.fullmatch(rf"{_ABOUT}(?:{_SHOWN})(?:{ends})?|useyn|isused?", plain):
        reason = "unapproved" if re.search(r"publish|approved|released", plain) else "hidden"
        yield (
            "private" if plain.endswith("public") else reason,
            Condition(column, _NOT_SHOWN),
        )


def _rules_of_words(column: str, plain: str) -> Iterator[Rule]:
    """Yield the rules of a column that says in a word who may read a row."""
    if plain == "visibilitylevel":  # GitLab's: private, internal, public
        yield "private", Condition(column, frozenset({"0", "10"}))
    if re.fullmatch(rf"{_ABOUT}(?:{_SAYS}){_IN_WORDS}", plain):
        is_label = re.fullmatch(rf"{_ABOUT}(?:types?|flags?|labels?|scope|options?)", plain)
        for reason, words in _WORDS.items():
            more = "(?!)" if is_label else _OF_STATES.get(reason, "(?!)")
            said = f"{words}|{more}|{languages.values_of(reason)}"
            yield reason, Condition(column, frozenset(), pattern=_pattern(said))
        yield "private", Condition(column, frozenset(), pattern=_HELPERS)
    if re.fullmatch(rf"{_ABOUT}(?:{_READERS}){_IN_WORDS}", plain):
        yield "private", Condition(column, frozenset(), pattern=_NOT_EVERYBODY)
    if re.fullmatch(rf"{_ABOUT}(?:{_APPROVERS}){_IN_WORDS}", plain):
        yield "unapproved", Condition(column, frozenset(), pattern=_NOT_APPROVED)
    if re.fullmatch(rf"{_ABOUT}{_ROLES}", plain):
        yield "private", Condition(column, frozenset(), pattern=_GROUPS)


def _rules_of_place(column: str, plain: str) -> Iterator[Rule]:
    """Yield the rules of a column about the forum, board or room of a question."""
    reason = "closed category"
    if re.fullmatch(rf"(?:{_PLACES})visibility", plain):  # Freshdesk's: all, members, staff
        yield reason, Condition(column, frozenset({"2", "3", "4"}))
    if re.fullmatch(rf"(?:{_PLACES})(?:is)?(?:visible|public|active|enabled|published)", plain):
        yield reason, Condition(column, _NOT_SHOWN)
    if re.fullmatch(rf"(?:{_PLACES})(?:{_SAYS}){_IN_WORDS}", plain):
        words = "|".join(_WORDS[kind] for kind in ("deleted", "private", "hidden"))
        yield reason, Condition(column, frozenset(), pattern=_pattern(words))
    if re.fullmatch(rf"(?:{_PLACES})(?:access|{_READERS}){_IN_WORDS}", plain):
        yield reason, Condition(column, frozenset(), pattern=_NOT_EVERYBODY)


def _pattern(words: str) -> re.Pattern[str]:
    """Return a pattern for one of *words*, alone or in a list."""
    return re.compile(
        rf"(?:^|[,;|\[(\"']) ?(?:[a-z][ _-]|(?:{_BY})[ _-]?)?(?:{words})"
        r"(?:[ _-]?(?:question|topic|thread|post|message|article|record)s?)?"
        r"(?:[ _-](?:only|by|for|from)\b[^,;|\"']*)?"
        r" ?(?:$|[,;|\])\"'])",
        re.IGNORECASE,
    )
