from django.urls import path

from market import views

app_name = "market"
urlpatterns = [
    path("jobs/", views.job_list, name="jobs"),
    path("jobs/<int:job_id>/approve", views.approve, name="approve"),
    path("jobs/<int:job_id>/cancel", views.cancel, name="cancel"),
    path("jobs/<int:job_id>/retry", views.retry, name="retry"),
    path("spending/", views.spending, name="spending"),
]
