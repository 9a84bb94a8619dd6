"""Our pages and django-rq's own, side by side."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [path("admin/", admin.site.urls), path("django-rq/", include("django_rq.urls"))]
