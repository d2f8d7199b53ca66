"""Calls Discourse's own API as its documentation describes it: reads topics, closes, tags, writes.

Before something is written, it is searched in the topic. So an interrupted action that is started
again writes nothing twice. Closing comes last: a closed topic has its link already.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

import httpx2
import structlog

from db.actions.rows import ActionRow, Kind
from db.connecting.connectors import ConnectorRow, Mode
from db.errors import InvalidInputError
from db.outbox.deliveries import objection_path
from worker.connectors import shapes
from worker.connectors.shapes import Change
from worker.delivery.addresses import resolve

TIMEOUT_S = 10.0
_AGENT = "askedbefore-connector/1"
_TOO_MANY = 429
_AWAY = 500
_LONGEST_REST_S = 3_600.0
_LINK = "This question has been asked before: {url}"
_TO_ASKER = "Your question {topic}\n\n{told}\n\nIs it a different question? Object here: {where}"
_TITLE = "Your question seems to have been asked before"
_STREAM = 20
"""Posts in one answer; the further ones are requested by their ids."""
_STREAM_MOST = 200
_NOTE = "askedbefore: this question seems to ask the same as {url}"


log = structlog.get_logger()


class DiscourseError(Exception):
    """The forum refused a call; a repetition would be refused too."""


class AwayError(Exception):
    """The forum does not answer now, or asks for a rest of *rest_s* seconds."""

    def __init__(self, message: str, *, rest_s: float) -> None:
        super().__init__(message)
        self.rest_s = rest_s


@dataclass(frozen=True, slots=True)
class Page:
    """A page of topics, and whether it is the last one."""

    changes: list[Change]
    is_last: bool


class Discourse:
    """A forum that runs on Discourse."""

    def __init__(self, row: ConnectorRow, *, allow_private: bool, public_url: str) -> None:
        self._row = row
        self._allow_private = allow_private
        self._public_url = public_url.rstrip("/")

    def carry_out(self, action: ActionRow) -> None:
        """Carry out *action*; raises `DiscourseError` and `AwayError`."""
        topic = self._topic(action.question_id)
        if action.kind is Kind.REOPEN:
            self._take_back(action, topic)
        elif self._row.mode is Mode.NOTE or action.kind is Kind.NOTE:
            is_staff_only = self._row.mode is Mode.NOTE
            self._say(action, topic, _NOTE if is_staff_only else _LINK, whisper=is_staff_only)
        elif action.kind is Kind.LABEL:
            self._tag(topic, self._row.tag or "asked-before")
        else:
            self._close(action, topic)

    def _close(self, action: ActionRow, topic: Mapping[str, Any]) -> None:
        self._say(action, topic, _LINK)
        if self._row.tag:
            self._tag(topic, self._row.tag)
        self._set_closed(topic, closed=True)

    def _take_back(self, action: ActionRow, topic: Mapping[str, Any]) -> None:
        if self._row.mode is Mode.NOTE:
            return
        for post in _posts(topic):
            if post.get("post_number") != 1 and "id" in post and self._is_ours(post):
                self._call("DELETE", f"/posts/{post['id']}.json")
        tags, own = shapes.tags_of(topic), self._row.tag or "asked-before"
        if own in tags:
            rest = [tag for tag in tags if tag != own]
            self._call("PUT", f"/t/-/{action.question_id}.json", {"tags[]": rest or [""]})
        self._set_closed(topic, closed=False)

    def _say(
        self, action: ActionRow, topic: Mapping[str, Any], words: str, *, whisper: bool = False
    ) -> None:
        url = action.canonical_url or f"{self._row.url}/t/{action.canonical_id}"
        if any(self._is_ours(post) and url in str(post.get("raw")) for post in _posts(topic)):
            return
        said = words.format(url=url)
        form: dict[str, Any] = {"topic_id": action.question_id, "raw": said + _MARK}
        if whisper:
            form["whisper"] = "true"
        else:
            self._tell_asker(action, topic, said)
        self._call("POST", "/posts.json", form)

    def _tell_asker(self, action: ActionRow, topic: Mapping[str, Any], told: str) -> None:
        """Send the asker alone the address at which they may object.

        The message is sent before the post, because the post shows that both are done. If the forum
        refuses the message, for example because the asker accepts none, the action continues.
        """
        name = _created_by(topic)
        if not self._public_url or name is None:
            return
        where = f"{self._public_url}{objection_path(action.token)}"
        own = f"{self._row.url}/t/{action.question_id}"
        form = {
            "title": _TITLE,
            "raw": _TO_ASKER.format(topic=own, told=told, where=where),
            "archetype": "private_message",
            "target_recipients": name,
        }
        with suppress(DiscourseError):
            self._call("POST", "/posts.json", form)

    def _topic(self, number: str) -> Mapping[str, Any]:
        """Return a topic with its posts, also those that the first answer lacks."""
        topic = self._call("GET", f"/t/{number}.json?include_raw=1")
        if str(topic.get("id")) != number:
            raise DiscourseError(
                f"the forum's answer for topic {number} does not have the documented form:"
                " report this"
            )
        posts = _posts(topic)
        known = {post.get("id") for post in posts}
        left = [one for one in _stream(topic) if one not in known][-_STREAM_MOST:]
        for first in range(0, len(left), _STREAM):
            ids = [("post_ids[]", one) for one in left[first : first + _STREAM]]
            query = urlencode([*ids, ("include_raw", "true")])
            posts += _posts(self._call("GET", f"/t/{number}/posts.json?{query}"))
        return {**topic, "post_stream": {"posts": posts}}

    def _is_ours(self, post: Mapping[str, Any]) -> bool:
        """Return whether *post* is the connector's own: mark and user name must be right."""
        is_author = str(post.get("username")).lower() == (self._row.api_user or "system").lower()
        return is_author and _MARK.strip() in str(post.get("raw"))

    def _tag(self, topic: Mapping[str, Any], tag: str) -> None:
        tags = shapes.tags_of(topic)
        if tag not in tags:
            self._call("PUT", f"/t/-/{topic['id']}.json", {"tags[]": [*tags, tag]})

    def _set_closed(self, topic: Mapping[str, Any], *, closed: bool) -> None:
        if bool(topic.get("closed")) is not closed:
            form = {"status": "closed", "enabled": "true" if closed else "false"}
            self._call("PUT", f"/t/{topic['id']}/status.json", form)

    def page(self, number: int, *, with_bodies: bool = False) -> Page:
        """Return a page of topics, the oldest first; raises `DiscourseError` and `AwayError`.

        Discourse's list has no texts; *with_bodies* requests each topic by itself.
        """
        query = urlencode({"order": "created", "ascending": "true", "page": number})
        found = self._call("GET", f"/latest.json?{query}")
        listed = found.get("topic_list")
        topics = listed.get("topics") if isinstance(listed, Mapping) else None
        if not isinstance(listed, Mapping) or not isinstance(topics, list):
            raise DiscourseError(
                "the forum's list of topics does not have the documented form: report this"
            )
        changes = [self._read(one) for one in topics if isinstance(one, Mapping)]
        kept = [one for one in changes if one is not None]
        if with_bodies:
            kept = [self._with_body(one) for one in kept]
        return Page(kept, not listed.get("more_topics_url"))

    def _with_body(self, change: Change) -> Change:
        try:
            topic = self._call("GET", f"/t/{change.external_id}.json?include_raw=1")
        except DiscourseError:  # deleted, or not for this key: use the title
            return change
        first = next((one for one in _posts(topic) if one.get("post_number") == 1), {})
        raw = first.get("raw")
        return replace(change, fields={**change.fields, "body": raw}) if raw else change

    def _read(self, topic: Mapping[str, Any]) -> Change | None:
        url, categories = self._row.url, self._row.categories
        try:
            return shapes.of_topic(topic, base_url=url, categories=categories)
        except (InvalidInputError, ValueError) as error:  # one topic must not end the reading
            name = type(error).__name__
            log.warning("backfill.topic_unreadable", forum_id=self._row.forum_id, error=name)
            return None

    def _call(
        self, method: str, path: str, form: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        try:
            answer = self._send(method, path, form)
        except (httpx2.HTTPError, OSError) as error:
            raise AwayError(f"{type(error).__name__}: {error}", rest_s=60) from error
        except InvalidInputError as error:
            raise DiscourseError(str(error)) from error
        if answer.status_code == _TOO_MANY or answer.status_code >= _AWAY:
            raise AwayError(f"it answered {answer.status_code}", rest_s=_rest_s(answer))
        if not answer.is_success:
            raise DiscourseError(f"{method} {path}: it answered {answer.status_code}")
        try:
            found = answer.json() if answer.content.strip() else {}
        except (ValueError, RecursionError) as error:  # a page of its proxy, as for maintenance
            raise AwayError(f"{method} {path}: it answered no JSON", rest_s=60) from error
        return found if isinstance(found, Mapping) else {}

    def _send(self, method: str, path: str, form: Mapping[str, Any] | None) -> httpx2.Response:
        target = resolve(f"{self._row.url}{path}", allow_private=self._allow_private)
        with httpx2.Client(timeout=TIMEOUT_S, trust_env=False) as client:
            return client.request(
                method,
                target.pinned_url,
                data=form,
                headers={
                    "Api-Key": self._row.api_key or "",
                    "Api-Username": self._row.api_user or "system",
                    "User-Agent": _AGENT,
                    "Accept": "application/json",
                    "Host": target.host_header,
                },
                extensions={"sni_hostname": target.host},
            )


_MARK = "\n\n<!-- askedbefore -->"


def _posts(topic: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    stream = topic.get("post_stream")
    posts = stream.get("posts") if isinstance(stream, Mapping) else None
    found = posts if isinstance(posts, list) else []
    return [one for one in found if isinstance(one, Mapping)]


def _stream(topic: Mapping[str, Any]) -> list[int]:
    stream = topic.get("post_stream")
    ids = stream.get("stream") if isinstance(stream, Mapping) else None
    return [one for one in ids if isinstance(one, int)] if isinstance(ids, list) else []


def _created_by(topic: Mapping[str, Any]) -> str | None:
    details = topic.get("details")
    author = details.get("created_by") if isinstance(details, Mapping) else None
    name = author.get("username") if isinstance(author, Mapping) else None
    return name if isinstance(name, str) else None


def _rest_s(answer: httpx2.Response) -> float:
    header = answer.headers.get("retry-after", "")
    return min(float(header), _LONGEST_REST_S) if header.isascii() and header.isdigit() else 60.0
