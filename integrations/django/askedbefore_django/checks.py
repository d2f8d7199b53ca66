"""The checks of the settings in `manage.py check`."""

from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured
from django.db import router

from askedbefore_django.conf import conf
from askedbefore_django.models import Change
from askedbefore_django.sources import sources


@register
def check_settings(**_: Any) -> list[CheckMessage]:
    """Return the faults of the setting ``ASKEDBEFORE``."""
    try:
        found = conf()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="askedbefore.E001")]
    messages: list[CheckMessage] = [
        Error(f"ASKEDBEFORE[{name!r}] must start with http:// or https://", id="askedbefore.E002")
        for name, value in (("URL", found.url), ("SITE_URL", found.site_url))
        if not value.startswith(("http://", "https://"))
    ]
    return messages + [
        Error(
            f"{source.model} is in another database than the outbox: put both into one database,"
            " because a question and its change are saved in one transaction",
            id="askedbefore.E003",
        )
        for source in sources().values()
        if router.db_for_write(source.model_class()) != router.db_for_write(Change)
    ]
