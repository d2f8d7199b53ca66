"""``{% load askedbefore %}``, then ``{% askedbefore_widget "#id_title" %}`` on the ask page."""

from django import template
from django.utils.safestring import SafeString

from askedbefore_django.conf import conf
from askedbefore_django.widget import widget_tag

register = template.Library()


def askedbefore_widget(title_selector: str = "#id_title") -> SafeString:
    """Return the ask box for the input of the title."""
    return widget_tag(conf(), title_selector)


register.simple_tag(askedbefore_widget)
