from django.urls import path

from queues.api import views

app_name = "queues_api"
urlpatterns = [path("queues", views.queues, name="queues")]
