"""The URLs of a project that uses only `queues`."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/admin/", include("queues.api.urls")),
    path("", include("queues.api.monitoring_urls")),
]
