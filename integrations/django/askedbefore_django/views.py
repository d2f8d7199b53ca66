"""The webhook, which the service calls when an action is due, and the page for objections."""

import logging
from urllib.parse import urlencode

from askedbefore_client import AskedBeforeError, SignatureError, Webhook
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseForbidden
from django.shortcuts import redirect, resolve_url
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from askedbefore_django.acting import OBJECTION, act_some
from askedbefore_django.conf import conf
from askedbefore_django.lease import lease
from askedbefore_django.models import Done
from askedbefore_django.sources import sources

log = logging.getLogger(__name__)


@csrf_exempt
@require_POST
def webhook(request: HttpRequest) -> HttpResponse:
    """Carry out the actions that are due, when the service reports one.

    It only makes actions faster: `askedbefore_deliver` asks for them by itself. So the answer is
    204 even if another process has the lease or the service does not answer.
    """
    try:
        event = Webhook(conf().webhook_secret).verify(request.body, request.headers)
    except (SignatureError, ValueError):
        return HttpResponse(status=403)
    if event.type == "action.due":
        _act()
    return HttpResponse(status=204)


@require_safe
def objection(request: HttpRequest, action_id: str) -> HttpResponse:
    """Redirect the asker to the page on which they object. Nobody else learns the URL of that page.

    So everybody may see the URL of this view in the question.
    """
    done = Done.objects.filter(action_id=action_id).first()
    source = sources().get(done.source) if done is not None else None
    row = source.find(done.object_id) if done is not None and source is not None else None
    where = done.left.get(OBJECTION) if done is not None else None
    if source is None or row is None or where is None:
        raise Http404
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        here = urlencode({"next": request.get_full_path()})
        return redirect(f"{resolve_url(source.sign_in or settings.LOGIN_URL)}?{here}")
    if not source.is_asker(row, user):
        return HttpResponseForbidden("Only the person who asked this question can object here.")
    return redirect(f"{conf().browser_url}{where}")


def _act() -> None:
    with lease() as held, conf().client(timeout_s=4.0) as client:
        try:
            if held is not None:
                act_some(client)
        except AskedBeforeError as error:
            log.warning("askedbefore: actions wait: %s", error)
