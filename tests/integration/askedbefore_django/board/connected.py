from collections.abc import Callable, Iterable, Mapping
from typing import Any

from askedbefore_client import Action
from askedbefore_django.sources import CannotError, Source


class Topics(Source):
    model = "board.Topic"
    title = "subject"
    body = "text"
    author = "author"
    asker = "author"
    asked_at = "written_at"
    visible = "is_public"
    is_html = True
    ask_views = ("ask",)

    def also(self) -> Mapping[str, Callable[[Any], Iterable[Any]]]:
        return {"board.Edition": lambda row: [row.topic_id]}

    def is_closed(self, instance: Any) -> bool:
        return bool(instance.is_locked)

    def close(self, instance: Any, action: Action) -> dict[str, Any]:
        if instance.author == "nobody":
            raise CannotError("the topic of nobody cannot be closed")
        left = {"stays": instance.is_locked}
        instance.is_locked, instance.remark = True, f"see {action.canonical_url}"
        instance.save()
        return left

    def reopen(self, instance: Any, left: Mapping[str, Any]) -> None:
        instance.is_locked, instance.remark = bool(left["stays"]), ""
        instance.save()
