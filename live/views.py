"""What live tells over HTTP."""

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET

from live import status

EXACT = 1 << 53
"""JavaScript would round a whole number beyond it: such ones are sent as text."""


@require_GET
def show_status(request: HttpRequest) -> JsonResponse:
    """How the feed stands, also when it is dead; staff see the reasons too."""
    return JsonResponse(_exact(status.for_user(is_staff=request.user.is_staff)))


def _exact(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _exact(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_exact(each) for each in value]
    return str(value) if isinstance(value, int) and abs(value) >= EXACT else value
