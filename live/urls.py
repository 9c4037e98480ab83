from django.urls import path

from live import views

app_name = "live"
urlpatterns = [
    path("status", views.show_status, name="status"),
]
