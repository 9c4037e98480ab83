"""The site map."""

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.decorators.http import require_safe
from django.views.generic import RedirectView


@require_safe
@login_not_required
def health(request: HttpRequest) -> HttpResponse:
    """Answers as soon as this web process serves requests."""
    return HttpResponse("ok", content_type="text/plain")


urlpatterns = [
    path("", RedirectView.as_view(pattern_name="replay:home")),
    path("health", health),
    path("admin/", admin.site.urls),
    path("account/", include("accounts.urls")),
    path("accounts/", include("trading.urls")),
    path("", include("market.urls")),
    path("data/", include("market.urls_data")),
    path("replay/", include("replay.urls")),
    path("live/", include("live.urls_pages")),
    path("api/live/", include("live.urls")),
    path("journal/", include("journal.urls")),
    path("alerts/", include("alerts.urls")),
]
