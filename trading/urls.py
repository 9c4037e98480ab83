from django.urls import path

from trading import views

app_name = "trading"
urlpatterns = [
    path("", views.accounts, name="accounts"),
    path("new", views.new, name="new"),
    path("<int:account_id>/", views.account, name="account"),
    path("<int:account_id>/delete", views.delete, name="delete"),
]
