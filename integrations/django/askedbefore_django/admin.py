"""Shows the outbox, refused changes and carried out actions in the forum's admin."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import ngettext

from askedbefore_django.models import Change, Done


@admin.register(Change)
class ChangeAdmin(admin.ModelAdmin):
    """The outbox; refused changes can be sent again."""

    list_display = ("source", "object_id", "made_at", "refused")
    actions = ("send_again",)

    @admin.action(description="Send the refused changes again")
    def send_again(self, request: HttpRequest, queryset: QuerySet[Change]) -> None:
        """Let the next delivery send these changes again."""
        count = queryset.update(refused="")
        said = ngettext("%d change will be sent again.", "%d changes will be sent again.", count)
        self.message_user(request, said % count)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return that nobody adds one by hand."""
        return False


@admin.register(Done)
class DoneAdmin(admin.ModelAdmin):
    """The actions that were carried out, or could not be."""

    list_display = ("kind", "source", "object_id", "state", "reason", "done_at", "is_told")
    list_filter = ("kind", "state")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return that nobody adds one by hand."""
        return False
