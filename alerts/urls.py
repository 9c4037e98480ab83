from django.urls import path

from alerts import views

app_name = "alerts"
urlpatterns = [
    path("", views.history, name="history"),
    path("newest", views.newest, name="newest"),
    path("panel", views.panel, name="panel"),
    path("list", views.alert_list, name="list"),
    path("new", views.new, name="new"),
    path("clear", views.clear, name="clear"),
    path("look-back", views.look_back, name="look_back"),
    path("look-back/<str:key>", views.looked_back, name="looked_back"),
    path("settings", views.settings, name="settings"),
    path("<int:alert_id>/", views.row, name="row"),
    path("<int:alert_id>/edit", views.edit, name="edit"),
    path("<int:alert_id>/pause", views.pause, name="pause"),
    path("<int:alert_id>/resume", views.resume, name="resume"),
    path("<int:alert_id>/delete", views.delete, name="delete"),
    path("<int:alert_id>/mute", views.mute, name="mute"),
    path("<int:alert_id>/unmute", views.unmute, name="unmute"),
]
