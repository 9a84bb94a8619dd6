"""For `path("api/admin/", include("queues.api.urls"))`."""

from django.urls import path

from queues.api import views

app_name = "queues_api"
urlpatterns = [
    path("queues", views.queues, name="queues"),
    path("queues/<path:name>/jobs", views.jobs, name="jobs"),
    path("queues/<path:name>", views.queue, name="queue"),
]
