from django.db import models


class Topic(models.Model):
    subject = models.CharField(max_length=600)
    text = models.TextField(blank=True, default="")
    author = models.CharField(max_length=100, default="ana")
    written_at = models.DateTimeField(null=True)
    is_public = models.BooleanField(default=True)
    is_locked = models.BooleanField(default=False)
    remark = models.TextField(blank=True, default="")

    class Meta:
        app_label = "board"

    def __str__(self) -> str:
        return str(self.subject)

    def get_absolute_url(self) -> str:
        return f"/topics/{self.pk}"


class Edition(models.Model):
    """Something beside the topic whose change is a change of the topic."""

    topic = models.ForeignKey(Topic, on_delete=models.CASCADE)

    class Meta:
        app_label = "board"

    def __str__(self) -> str:
        return str(self.pk)
