from django.contrib import admin
from django.urls import include, path

admin.site.site_header = admin.site.site_title = "Theo"
admin.site.index_title = "Everything Theo knows and does"

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/admin/", include("queues.api.urls")),
    path("", include("queues.api.monitoring_urls")),
    path("", include("theo.web.urls")),
]
