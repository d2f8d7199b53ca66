"""Read by Misago's own Python: its development addresses, and those of askedbefore."""

from devproject.urls import urlpatterns as theirs
from django.urls import include, path

urlpatterns = [path("askedbefore/", include("askedbefore_django.urls")), *theirs]
