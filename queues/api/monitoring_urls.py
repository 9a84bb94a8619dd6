"""For `path("", include("queues.api.monitoring_urls"))`: addresses that balancers, supervisors and Prometheus know."""

from django.urls import path

from queues.api import health
from queues.api.prometheus.view import metrics

app_name = "queues_monitoring"
urlpatterns = [
    path("health/live", health.live, name="live"),
    path("health/ready", health.ready, name="ready"),
    path("metrics", metrics, name="metrics"),
]
