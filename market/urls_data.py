from django.urls import path

from market import views_data

app_name = "data"
urlpatterns = [
    path("", views_data.page, name="page"),
    path("uploads", views_data.begin_upload, name="begin"),
    path("uploads/part", views_data.upload_part, name="part"),
    path("imports", views_data.start_import, name="start"),
    path("imports/<int:job_id>/", views_data.job, name="import"),
    path("imports/<int:job_id>/cancel", views_data.cancel, name="cancel"),
    path("files/<int:file_id>/", views_data.report, name="report"),
    path("files/<int:file_id>/remove", views_data.remove, name="remove"),
]
