"""``path("askedbefore/", include("askedbefore_django.urls"))``."""

from django.urls import path

from askedbefore_django.views import objection, webhook

app_name = "askedbefore"
urlpatterns = [
    path("webhook/", webhook, name="webhook"),
    path("objection/<str:action_id>/", objection, name="objection"),
]
