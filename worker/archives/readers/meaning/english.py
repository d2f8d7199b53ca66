"""English words in the names of columns that hide a question, and in their values.

The words of other languages come from `languages`. All are regular expressions of plain names.
"""

import re
from collections.abc import Mapping

from worker.archives.readers.meaning import languages

UNSHOWN = frozenset(
    {"no", "hidden", "invisible", "unpublished", "unlisted", "private", "draft", "deleted"}
)
NOT_SHOWN = UNSHOWN | {"-1", "-2", "2", "3", "4", "0%"}
"""Values of a column such as ``visible`` for hidden rows; programs also use 2 and more."""

ABOUT = (
    r"(?:is|was|has|been|post|topic|thread|question|discussion|record|row|item|entry|ticket|soft"
    r"|hard|web|site|portal|frontend|admin|mod|moderator|system|date|time|posting|content"
    r"|review|article|page|issue|case"
    r"|bug|message|comment|publication|parent|root|odata|ows|custom|conversation"
    r"|document|doc|node|object|story|submission|shadow|sub|rec|marked"
    rf"|{'|'.join(languages.ABOUT)})*"
)
KEPT = (
    r"(?:topic|post|thread|question|message|discussion)?"
    r"(?:at|on|date|datetime|time|timestamp|ts|utc|by|byid|byuser|byuserid|userid|username|reason"
    r"|by(?:a|the)?(?:mod|moderator|admin|administrator|staff|owner|author|system|poster)s?(?:id)?"
    rf"|category|bycategory|flag|state|status|yn|flg|ind|mark|{'|'.join(languages.KEPT)})?"
)
PLACES = (
    "category|forum|board|repository|team|node|section|subforum|space|channel|group|room|area"
    "|community|project"
    "|course|workspace|subreddit"
)
TOPICS = "topic|thread|discussion"
FLAGS: Mapping[str, str] = {
    "deleted": "deleted|deletion|trash|trashed|removed|removal|erased|purged|discarded|destroyed"
    "|banned|withdrawn|retracted|del|(?:soft|logic(?:al)?)delete|logicallydeleted"
    "|delet[eo]r(?:id)?|remover(?:id)?|delete(?=flag|ind|yn|reason|state|status|time|date|at|by"
    "|mark)|tombstoned?"
    "|dead|redacted|redaction|scrubbed|wiped|binned|recycled|(?:in(?:the)?)?(?:trash|recyclebin"
    "|bin)"
    "|(?:dmca|legal|copyright)?(?:takedown|takendown)|(?:gdpr|user|self|owner)(?:deleted|erased"
    "|removed)",
    "unapproved": "unapproved|(?:flagged|reported)?(?:as)?spam|(?:needs|pending|awaiting"
    "|requires)review|junk|draft|unpublished|pending|rejected|quarantined|queued"
    "|scheduled|awaitingapproval|awaitingmoderation|needsapproval|needsmoderation|inmoderation"
    "|requiresapproval|approvalrequired|embargoed|unmoderated|moderated|needmoderate"
    "|heldfor(?:moderation|review)"
    "|declined|disapproved|denied|refused|vetoed|unaudited|(?:donot|dont)publish|not(?:published"
    "|approved)",
    "closed category": f"(?:in)?(?:private|hidden|secret|restricted|unlisted)(?:{PLACES}"
    f"|conversation)|(?:{PLACES})(?:is)?"
    "(?:private|hidden|restricted|readrestricted|secret|unlisted|staffonly|membersonly|deleted)",
    "private": "private|privatized|madeprivate|(?:under)?nda|accessrestricted|onlyvisibleto\\w*"
    "|(?:restricted|limited|limit|only)(?:to|for)(?:groups?|roles?|users?|members?)?(?:ids?"
    "|names?)?"
    "|for(?:staff|members?)(?:only)?|pm|dm|privatemessage|directmessage|restricted"
    "|confidential|secret|internal"
    "|protected|passwordprotected|(?:has|access)?password|readrestricted|nonpublic|sensitive"
    "|(?:recipients?|receivers?|addressees?|sentto)(?:userids?|ids?|names?)?"
    "|tousers?(?:ids?|names?|array)?|to(?:id|uid|member(?:id)?)"
    "|only(?:author|owner|me|self)(?:can(?:view|see|read))?"
    "|premium|vip|paywall(?:ed)?|nonpublic|not(?:for)?public|forstaff|staffonly"
    "|(?:login|auth|registration|membership)(?:needed|toview|toread)"
    "|(?:paid|group|vip|premium|patrons?|subscribers?|supporters?|customers?|employees?"
    "|friends?)only"
    "|(?:staff|team|admins?|mods?|moderators?|members?|registered|users?"
    "|loggedin|internal|intranet|extranet|company|private)only"
    "|(?:requires?|needs?)(?:login|auth|registration|membership)"
    "|(?:login|auth|registration|membership)(?:required|only)"
    "|(?:only|just)for(?:staff|team|admins?|mods?|moderators?|members?|registered|users?)",
    "announcement": "announcement",
    "hidden": "guests?hidden|auto(?:hide|hidden)|disable|retired|ban|hider(?:id)?|robotsnoindex"
    "|(?:user|self|owner)?hidden|hide|invis(?:ible)?|unlist(?:ed)?|suppressed|censored|withheld"
    "|ghosted|(?:donot|dont)(?:show|list|display|index)|not(?:listed|shown)|deactivated|offline"
    "|notvisible|disabled|inactive|blocked|suspended"
    "|shadowbanned|quarantined?|noindex|excludedfrom(?:search|listings?)"
    "|excludefrom(?:search|listings?)"
    "|(?:hide|hidden|invisible)(?:from|for|to|in|on)(?:guests?|public|visitors|anonymous"
    "|everyone|lists?"
    "|listings?|search|feeds?|site|web|website)",
}
SHOWN = (
    r"(?:visible|viewable|readable|shows?|shown|open|accessible)(?:to|by|for)(?:guests?|public"
    r"|students?|members?|users?|everyone"
    r"|everybody"
    r"|anyone|all)|(?:guests?|public|everyone|everybody|anyone|anonymous)(?:can)?(?:view|see"
    r"|read|access)"
    r"(?:able)?|(?:can)?(?:guests?|everyone|anyone)(?:can)?(?:view|see|read)|publicly(?:visible"
    r"|viewable"
    r"|readable|accessible)|(?:allows?)guests?|guests?(?:allowed|access|visible)|publicaccess"
    r"|visible|public|published|publish|approved|apr|listed|active|enabled|accessible"
    r"|(?:shown?|display(?:ed)?)(?:on|in)?(?:site|web|website|forum|portal|frontend)?|online"
    r"|searchable"
    r"|(?:approved|accepted)by(?:the)?(?:admin|mod|moderator|staff)|staffapproved|passedmoderation"
    r"|moderationpassed|public(?:visibility|visible)|publiclylisted|listedpublicly"
    r"|worldreadable"
    r"|indexable|ifcheck(?:ed)?|validated|valid|showed|shows|disp|vis|enable|audit(?:ed)?|vetted"
    rf"|released|live|{'|'.join(languages.SHOWN)}"
)
SAYS = (
    r"status|state|sts|stage|phase|akismet|antispam|visibility|classification|confidentiality|(?:view|read"
    r"|access|sharing)scope"
    r"|access|accessle?ve?l|privacy|permissions?|audience|security|archetype"
    r"|lifecycle|workflow|moderation|approval|publication|publish|visibleto|viewpermissions?"
    r"|readpermissions?|viewaccess|readaccess|viewableby|scope|type|flags?|labels?|options?|robots"
    r"|sensitivity|dataclassification|(?:live|published|current|rec)(?=stat)"
    r"|(?:audit|review(?:er)?|check|display|show|vetting|screening|verification)"
    r"(?=stat|result|decision)|decision|verdict"
    rf"|sharing|share|sharedwith|{'|'.join((*languages.SAYS, *languages.READERS))}"
)
IN_WORDS = (
    "(?:status|state|type|scope|setting|mode|level|class|policy|result|decision|outcome|verdict)?"
    "(?:text|name|label|string|title|value|word|display|desc(?:ription)?)?"
)
"""What may follow such a name: ``status_text`` stands beside a number."""
WORDS: Mapping[str, str] = {
    "deleted": r"(?:soft|hard)?[ _-]?deleted|removed|trash|trashed|erased|purged|withdrawn"
    r"|retracted|redacted",
    "unapproved": r"pending|spam|flagged|unapproved|not[ _-]?(?:yet[ _-])?(?:approved|published)"
    r"|(?:wc-|auto-)?drafts?|rejected|declined|moderated|unmoderated|unpublish(?:ed)?"
    r"|queued|inherit|future|scheduled|quarantined?|in[ _-]?moderation|moderation|embargoed"
    r"|waiting(?![ _-](?:for|on)[ _-](?:\w+[ _-])?(?:repl|answer|respon|feedback|info|user|customer"
    r"|author|input|support))"
    r"|(?:awaiting|needs|pending|in)[ _-]?(?:approval|moderation|review)"
    r"|(?:awaiting|needs|pending|requires|waiting[ _-]for)[ _-](?:\w+[ _-]){0,2}"
    r"(?:approval|moderation|review|verification|publication)",
    "private": r"private|private[ _-]?(?:message|topic|thread)s?|pm|dm|direct[ _-]?message|whisper"
    r"|staff|team|internal|restricted|(?:company|strictly|highly)[ _-]?confidential"
    r"|restrict(?:ed)?[_-]view[\w-]*|confidential|secret|members?"
    r"|moderators?|mods?|admins?|non[ _-]?public|not[ _-]?public|invite(?:d|es)?(?=[ _-]?only)"
    r"|administrators?|registered(?:[ _-]?users)?|logged[ _-]?in|users|direct|friends"
    r"|followers?|subscribers?|patrons?|employees?|colleagues|staff[ _-]?members?",
    "announcement": r"(?:global[ _-]?)?announcements?|newsitem|news[ _-]?item",
    "hidden": r"hidden|unlist(?:ed)?|invisible|disabled|inactive|suspended|blocked|not[ _-]?visible"
    r"|retired|noindex|shadow(?:ed|[ _-]?banned)?",
}
EVERYBODY = (
    r"\*|public|publicly|everyone|everybody|anyone|anybody|all|all[ _-]?(?:users|networks|visitors)"
    r"|any|visible|open|world|anonymous|guests?|visitors?|normal|default|full|internet|published"
    r"|listed|free|yes|true|t|y|on"
    rf"|none|null|nan|{languages.EVERYBODY}|(?:visibility|access)[ _-]?public"
    rf"|public[ _-]read(?:[ _-]write)?"
)
MAY = r"(?:read|view|see)\s*[:=]\s*"
"""What stands before who may read a row, in a list of permissions."""
_SEEN = (
    rf"{MAY}|(?:visible|viewable|readable|accessible|available|shared)[ _-](?:only[ _-])?"
    r"(?:to|by|for|with)[ _-]"
)
"""What may stand before a word for who may read a row."""
OF_STATES: Mapping[str, str] = {
    "deleted": r"deleted?|del|purge|banned|(?:taken|take)[ _-]?down|deletion[ _-](?:pending"
    r"|requested)"
    r"|(?:(?:in|to)[ _-](?:the[ _-])?)?(?:trash|bin|trash[ _-]can|recycled?[ _-]?bin)"
    r"|(?:to[ _-]be|marked[ _-]for|pending|awaiting|scheduled[ _-]for)[ _-]?(?:deleted|deletion"
    r"|removal)",
    "unapproved": r"disapproved|denied|deny|refused?|reject|decline|unreviewed|preview"
    r"|temp(?:orary)?|held"
    r"|(?:post[ _-])?delayed|(?:on|under)[ _-]?moderation|being[ _-](?:moderated|reviewed)"
    r"|(?:on[ _-])?h(?:eld|old)[ _-]?for[ _-]?(?:moderation|review|approval)",
    "private": rf"premium|paid|vip|(?:only[ _-])?(?:{_SEEN}|(?:restricted|limited)[ _-]to[ _-])"
    rf"(?!(?:{EVERYBODY})\b)\w[^,;|]*",
    "hidden": r"hide|(?:not|never|no longer)[ _-]?(?:yet[ _-])?(?:shown|listed|displayed|live"
    r"|public(?:ly visible)?|active|online|available|visible)"
    rf"|(?:{languages.NOT})[ _-]?(?:{languages.EVERYBODY})|offline|deactivated|suppressed|censored"
    r"|withheld|ghosted",
}
"""Further values of a column of states; as a label or type they may be what a question is about."""
KINDS = "type|kind|posttype|nodetype|contenttype|messagetype"
IS_NONE = r"is(?:an?)?(?:reply|answer|comment|response)"
IS_ONE = r"is(?:an?|the)?(?:question|topic|threadstarter|firstpost|rootpost)"
"""Names of columns whose yes, or no, says that a row is no question."""
OTHER_KINDS = r"answers?|comments?|repl(?:y|ies)|responses?"
"""Values of a column of kinds for rows that are no questions."""
CLOSED = (
    r"(?:staff|team|admins?|mods?|moderators?|members?|internal|private|employees?|premium"
    r"|subscribers?|patrons?)[ _-]?only"
    r"|(?:only[ _-]?)?for[ _-]?(?:staff|mods?|moderators?|members?)"
    r"|(?:staff|mods?|moderators?)[ _-]?(?:area|lounge|room|forum)|confidential|non[ _-]?public"
    r"|not[ _-]?public|do[ _-]?not[ _-]?(?:publish|share)"
)
"""Tags and categories that surely have what not everybody may read."""
CLOSED_TAGS = "private|internal|staff|hidden|unlisted|restricted|moderators|mods|admins|employees"
CLOSED_CATEGORIES = (
    r"(?:the )?(?:(?:staff|moderators?|mods|admins?|administrators?|internal|private|hidden|deleted"
    r"|trash|trash ?can|recycled? ?bin)(?:'s)?(?: (?:area|forum|room|discussions?|section|category"
    r"|board|topics|posts|chat|lounge|channel|zone|corner|office|notes|planning))?"
    r"|(?:mod|team|vip|core team|leadership)(?:'s)? (?:area|forum|room|chat|lounge|channel|zone))"
)
ROLES = (
    r"(?:(?:required?|requires|restrict(?:ed)?|visible|min|minimum|needed|allowed|permitted|view"
    r"|viewer|read|reader|access)"
    r"(?:user)?(?:roles?|groups?|ranks?|permissions?|teams?|trustlevel)"
    r"|(?:user)?(?:roles?|groups?|ranks?|permissions?|teams?)(?:required|needed|allowed)"
    r"|can(?:read|view)(?:usercriteria|users?|groups?|roles?))(?:ids?)?"
)
"""Names of columns with the roles or groups that may read a row."""
STATES = (
    r"(?:status|state|sts|visibility|access|accessle?ve?l|privacy|permissions?|audience|lifecycle"
    r"|workflow|moderation|approval|publication|publish|classification|confidentiality"
    r"|(?:audit|review|check|display|show|verification)(?=stat)|readperm"
    rf"|{'|'.join(languages.SAYS)})(?:status|state|level)?|{ROLES}"
)
"""Names of `SAYS` under which programs also write a number."""
BY = "is|was|by|user|author|owner|mod|moderator|admin|system|self|auto|post|topic|thread|question"
"""Words before a word that hides, such as in ``user_deleted``."""
READERS = (
    r"visibility|privacy|whocan(?:see|view|read)|canbe(?:viewed|seen|read)by|sharedwith"
    r"|accessle?ve?l|visibleto|viewableby|viewers|readers|acl|confidentiality"
    r"|classification"
    rf"|{ROLES}|(?:view|read)(?:access|permissions?|scope|ableby)|{'|'.join(languages.READERS)}"
)
"""Names of columns that say who may read a row."""
APPROVERS = (
    r"moderation|approval|(?:audit|review(?:er)?|check|vetting|screening|verification)"
    rf"(?=stat|result|decision|outcome|verdict)|{'|'.join(languages.APPROVERS)}"
)
"""Names of columns that say whether somebody approved a row."""
APPROVED = (
    rf"{EVERYBODY}|approved?|(?:auto|pre)[ _-]?approved|accept(?:ed)?|pass(?:ed)?|ok|okay|done"
    rf"|completed?|reviewed"
    r"|checked|verified|audited|clean|clear(?:ed)?|ham|safe|active|live|closed|resolved|locked"
    r"|archived"
    r"|success|finished|valid|good|fine|(?:not?|none)[ _-]?(?:required|needed|action|spam|issues?)"
    rf"|n/?a|{languages.APPROVED}|approved[ _-](?:by|on|at)\b.*"
)


CHANGED = re.compile(
    rf"\s*+(?:{APPROVED})\s*(?:[(\[\uff08]|[,;:\u2013\u2014-]\s)\s*"
    rf"(?:(?:re\w+|{APPROVED})\s*[,;]\s*)?(?:{languages.PAST})[^()\[\]\uff08\uff09]*"
    r"[)\]\uff09]?\s*\Z",
    re.IGNORECASE,
)
"""A state that everybody may read, with a remark about an earlier one: ``Approved (was pending)``.
"""


def _none_of(words: str) -> re.Pattern[str]:
    """Return a pattern of a text of which no part is one of *words*; a number is no such text."""
    return re.compile(
        rf"\A(?!(?:.*[,;|\[(\"'])?\s*(?:{_SEEN})?(?:{words})\s*(?:[,;|\])\"']|\Z)).*[^\W\d_]",
        re.IGNORECASE | re.DOTALL,
    )


NOT_EVERYBODY, NOT_APPROVED = _none_of(EVERYBODY), _none_of(APPROVED)
HELPERS = re.compile(r"\A\s*(?:agents?|support|partners)\s*\Z", re.IGNORECASE)
GROUPS = re.compile(r"\A[\[{(\s]*[1-9]\d*(?:[\s,;|]+[1-9]\d*)+[\]})\s]*\Z")
"""Several numbers of groups, none of which is that of everybody."""
REPLY = (
    "\\s*(?:re|aw|antw|antwort|sv|vs|fwd?|wg|tr|rv|res|odp|ynt|\u043e\u0442\u0432|\u0438\u0445"
    "|\u56de\u590d|\u7b54\u590d)"
    "\\s*(?:[\\[(]\\d+[\\])])?\\s*[:\uff1a]"
)
"""The mark of mail programs in the title of a reply."""
PARENT = re.compile(r"(?:parent|inreplyto|replyto)(?:post|message|topic)?(?:id|uid)?")
SHOWING = frozenset(
    {"empty", "public", "visible", "published", "approved", "active", "open", "ok", "normal",
     "never", "nobody", "everyone", "everybody", "all", "regular", "anyone", "live",
     "clean", "ham", "not spam", "safe", "none"}
)  # fmt: skip
