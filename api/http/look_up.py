"""Looks up whether a webhook's address can be called, apart from the threads that answer everybody.

A name server may be slow, and the caller chooses the name.
"""

from functools import partial
from urllib.parse import urlsplit

import anyio
from anyio import to_thread

from worker.delivery.addresses import UnresolvableError, WebhookSettings, check_url, resolve

_LIMIT_S = 5.0


async def callable_url(url: str, look_ups: anyio.CapacityLimiter) -> str:
    """Return *url* if a webhook can have it; raises `InvalidInputError`."""
    allow_private = WebhookSettings().allow_private
    url = check_url(url.strip(), allow_private=allow_private)
    look_up = partial(resolve, url, allow_private=allow_private)
    try:
        with anyio.fail_after(_LIMIT_S):
            await to_thread.run_sync(look_up, abandon_on_cancel=True, limiter=look_ups)
    except TimeoutError as error:
        raise UnresolvableError(urlsplit(url).hostname or "") from error
    return url
