"""The ask box: a script tag for the script of the service."""

from django.utils.html import format_html
from django.utils.safestring import SafeString

from askedbefore_django.conf import Conf


def widget_tag(conf: Conf, title_selector: str) -> SafeString:
    """Return the script tag, or nothing if the settings name no public key."""
    if not conf.public_key:
        return SafeString("")
    return format_html(
        '<script src="{}/widget.js" data-forum="{}" data-key="{}" data-title="{}" defer></script>',
        conf.browser_url,
        conf.forum,
        conf.public_key,
        conf.title_selector or title_selector,
    )
