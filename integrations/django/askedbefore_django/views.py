"""Takes the service's webhooks, so that decisions are carried out at once."""

import logging

from askedbefore_client import AskedBeforeError, SignatureError, Webhook
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from askedbefore_django.acting import act_some
from askedbefore_django.conf import conf
from askedbefore_django.lease import lease

log = logging.getLogger(__name__)


@csrf_exempt
@require_POST
def webhook(request: HttpRequest) -> HttpResponse:
    """Carry out what is due when the service says so.

    Nothing depends on it: `askedbefore_deliver` asks for actions by itself. So the answer is 204
    also when another process works, or when the service does not answer.
    """
    try:
        event = Webhook(conf().webhook_secret).verify(request.body, request.headers)
    except (SignatureError, ValueError):
        return HttpResponse(status=403)
    if event.type == "action.due":
        _act()
    return HttpResponse(status=204)


def _act() -> None:
    with lease() as held, conf().client(timeout_s=4.0) as client:
        try:
            if held is not None:
                act_some(client)
        except AskedBeforeError as error:
            log.warning("askedbefore: actions wait: %s", error)
