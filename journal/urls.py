from django.urls import path

from journal import views

app_name = "journal"
urlpatterns = [
    path("", views.home, name="home"),
    path("trades.csv", views.download, name="csv"),
    path("progress", views.progress, name="progress"),
    path("<int:trade_id>/fills", views.fills, name="fills"),
    path("<int:trade_id>/note", views.note, name="note"),
    path("<int:trade_id>/note/edit", views.edit, name="edit"),
]
