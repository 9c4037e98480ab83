"""Private by default."""

from collections.abc import Callable

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django_htmx.http import HttpResponseClientRedirect


class HtmxLoginRequiredMiddleware(LoginRequiredMiddleware):
    """htmx would follow the redirect itself and put the login page into a corner of the page that asked."""

    def handle_no_permission(
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponseRedirect:
        answer = super().handle_no_permission(request, view_func)
        return HttpResponseClientRedirect(answer.url) if "HX-Request" in request.headers else answer  # type: ignore[return-value]
