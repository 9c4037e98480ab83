from django.urls import path

from live import views

app_name = "live_pages"
urlpatterns = [
    path("", views.page, name="page"),
    path("status", views.status_page, name="status"),
]
