"""Read by Misago's own Python: its development settings, with askedbefore in them."""

import json
import os

from devproject.settings import *  # noqa: F403
from devproject.settings import DATABASES, INSTALLED_APPS, MIDDLEWARE

_given = json.loads(os.environ["MISAGO_TEST"])  # noqa: TID251  # no settings of ours
DATABASES["default"].update(_given["database"])
INSTALLED_APPS += ["askedbefore_django"]
MIDDLEWARE = [
    *(one for one in MIDDLEWARE if "debug_toolbar" not in one),
    "askedbefore_django.middleware.AskBoxMiddleware",
]
ROOT_URLCONF = "misago_urls"
ASKEDBEFORE = _given["askedbefore"]
CELERY_TASK_ALWAYS_EAGER = True
