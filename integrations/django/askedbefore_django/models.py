"""The tables of this application in the forum's database. They have no text of a question."""

from django.db import models

CHECK_ID_LENGTH = 1_000
"""What the service takes; an id grows with the suggestions that its check gave."""


class Change(models.Model):
    """A question has changed and the service does not know yet: the outbox.

    The row is written in the transaction of the change. The question is read only when it is sent:
    so two changes of a question are sent as one, and a question that was deleted meanwhile is
    erased at the service.
    """

    source = models.CharField(max_length=200)
    object_id = models.CharField(max_length=64)
    made_at = models.DateTimeField(auto_now_add=True)
    refused = models.TextField(blank=True, default="")
    check_id = models.CharField(max_length=CHECK_ID_LENGTH, blank=True, default="")
    """The check of the ask box that the asker saw while writing the question."""

    class Meta:
        verbose_name = "change to be sent"
        verbose_name_plural = "changes to be sent"
        indexes = [
            models.Index(fields=["source", "object_id"], name="askedbefore_change_object"),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.object_id}"


class Done(models.Model):
    """An action of the service that was carried out here, or could not be.

    The row is written in the transaction of the action and is kept. So the same action is never
    carried out twice, and an undo knows what to take back.
    """

    action_id = models.CharField(max_length=64, unique=True)
    source = models.CharField(max_length=200)
    object_id = models.CharField(max_length=64)
    kind = models.CharField(max_length=20)
    state = models.CharField(max_length=20)
    reason = models.TextField(blank=True, default="")
    left = models.JSONField(default=dict, blank=True)
    done_at = models.DateTimeField(auto_now=True)
    is_told = models.BooleanField(default=False)

    class Meta:
        verbose_name = "carried out action"
        indexes = [
            models.Index(fields=["source", "object_id"], name="askedbefore_done_object"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.source} {self.object_id}: {self.state}"


class Mark(models.Model):
    """The progress of a job, and until when a process has the right to work on it."""

    name = models.CharField(max_length=250, primary_key=True)
    value = models.CharField(max_length=250, blank=True, default="")
    until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"
