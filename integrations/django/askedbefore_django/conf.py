"""The setting ``ASKEDBEFORE``, a dictionary; it is read when it is needed."""

from dataclasses import dataclass, fields
from typing import Any

from askedbefore_client import Action, Client, Retry
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True, kw_only=True)
class Conf:
    """The values of ``ASKEDBEFORE``, where their names are in capitals."""

    url: str
    """The URL of the service for the forum's server."""
    forum: str
    key: str
    """A key of the scope ``submit``."""
    sources: tuple[str, ...]
    """Import paths of `Source` classes."""
    site_url: str
    """The forum's own address, for links to its questions."""
    public_url: str = ""
    """The URL of the service for browsers, if it is another one."""
    public_key: str = ""
    """A key of the scope ``ask``; without it the ask page shows nothing."""
    webhook_secret: str = ""
    actor: str = "askedbefore"
    """The name of the forum's user who closes questions."""
    title_selector: str = ""
    """CSS selector of the title's input, if it is not the source's own."""

    @property
    def browser_url(self) -> str:
        """Return the URL for browsers, without a slash at its end."""
        return (self.public_url or self.url).rstrip("/")

    def words(self, action: Action, title: str = "", objection_url: str | None = None) -> str:
        """Return the text for readers: the earlier question, and where its asker may object."""
        told = " ".join(filter(None, ("This was asked before:", title, action.canonical_url)))
        if objection_url is None:
            return told
        return f"{told} If your question is a different one, object here: {objection_url}"

    def client(self, **changes: object) -> Client:
        """Return a new client. It makes no second try: the loop of the caller makes pauses."""
        made: dict[str, Any] = {"retry": Retry(tries=1), "timeout_s": 20.0, **changes}
        return Client(self.url, self.key, self.forum, **made)


def conf() -> Conf:
    """Return the settings; raises `ImproperlyConfigured` if a name is missing or unknown."""
    given = {name.lower(): value for name, value in getattr(settings, "ASKEDBEFORE", {}).items()}
    known = {one.name for one in fields(Conf)}
    unknown = sorted(given.keys() - known)
    if unknown:
        raise ImproperlyConfigured(
            f"ASKEDBEFORE has unknown names: {', '.join(unknown).upper()}; correct them"
        )
    if isinstance(given.get("sources"), str):
        raise ImproperlyConfigured("ASKEDBEFORE['SOURCES'] must be a list of import paths")
    try:
        return Conf(**{**given, "sources": tuple(given["sources"])})
    except (KeyError, TypeError) as error:
        wanted = "URL, FORUM, KEY, SITE_URL and SOURCES"
        raise ImproperlyConfigured(f"ASKEDBEFORE needs {wanted}: {error}") from error
