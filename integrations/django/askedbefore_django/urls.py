"""``path("askedbefore/", include("askedbefore_django.urls"))``."""

from django.urls import path

from askedbefore_django.views import webhook

app_name = "askedbefore"
urlpatterns = [path("webhook/", webhook, name="webhook")]
