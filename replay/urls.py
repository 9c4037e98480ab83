from django.urls import path

from replay import views

app_name = "replay"
urlpatterns = [
    path("", views.home, name="home"),
    path("open", views.start, name="open"),
    path("sessions/", views.sessions, name="sessions"),
    path("<uuid:session_id>/", views.session, name="session"),
    path("<uuid:session_id>/delete", views.delete, name="delete"),
]
