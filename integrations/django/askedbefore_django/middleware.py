"""Adds the ask box to the ask pages of forums whose templates cannot be changed."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from askedbefore_django.conf import conf
from askedbefore_django.models import CHECK_ID_LENGTH
from askedbefore_django.sources import Source, sources
from askedbefore_django.watching import check_of_request
from askedbefore_django.widget import widget_tag

_END = b"</body>"
_FIELD = "askedbefore_check"


class AskBoxMiddleware:
    """Adds the script to HTML pages whose URL is an ``ask_views`` of a source."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the page, with the ask box if it is an ask page."""
        token = check_of_request.set("")
        try:
            response = self._get_response(request)
        finally:
            check_of_request.reset(token)
        source = _asked(request)
        if source is not None and _is_page(response):
            tag = widget_tag(conf(), source.title_selector).encode(response.charset)
            before, end, after = response.content.rpartition(_END)
            if end:
                response.content = before + tag + end + after
                if response.has_header("Content-Length"):
                    response["Content-Length"] = str(len(response.content))
        return response

    def process_view(self, request: HttpRequest, *_: object) -> None:
        """Read the id of the check from the form, for the question that this request creates."""
        if request.method == "POST" and _asked(request) is not None:
            check_of_request.set(request.POST.get(_FIELD, "")[:CHECK_ID_LENGTH])


def _asked(request: HttpRequest) -> Source | None:
    """Return the source whose ask page was requested."""
    match = request.resolver_match
    name = match.view_name if match is not None else ""
    return next((one for one in sources().values() if name in one.ask_views), None)


def _is_page(response: HttpResponse) -> bool:
    is_html = response.get("Content-Type", "").startswith("text/html")
    return is_html and not response.streaming and not response.has_header("Content-Encoding")
