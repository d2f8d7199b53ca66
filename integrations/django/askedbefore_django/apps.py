"""The application: watches the models of the sources once all models are loaded."""

from django.apps import AppConfig


class AskedBeforeConfig(AppConfig):
    """Starts watching."""

    name = "askedbefore_django"
    verbose_name = "askedbefore"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect the signals of every source."""
        from askedbefore_django import checks, watching  # noqa: F401, PLC0415  # models are ready now

        watching.watch_all()
