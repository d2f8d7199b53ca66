from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path

from tests.integration.askedbefore_django.board.models import Topic


def ask(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        topic = Topic.objects.create(subject=request.POST["subject"])
        topic.save()
        return HttpResponse(str(topic.pk))
    if "json" in request.GET:
        return HttpResponse("{}</body>", content_type="application/json")
    page = HttpResponse("<html><body><input id='id_title'></body></html>")
    page["Content-Length"] = str(len(page.content))
    return page


def tagged(request: HttpRequest) -> HttpResponse:
    return render(request, "tagged.html")


def other(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    return HttpResponse("<html><body>hello</body></html>")


urlpatterns = [
    path("ask/", ask, name="ask"),
    path("tagged/", tagged),
    path("other/", other, name="other"),
    path("askedbefore/", include("askedbefore_django.urls")),
]
