from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from theo.web.views import search_page

app_name = "web"
urlpatterns = [
    path("", search_page, name="search"),
    path(
        "login/", LoginView.as_view(template_name="web/login.html", next_page="web:search", redirect_authenticated_user=True), name="login"
    ),
    path("logout/", LogoutView.as_view(next_page="web:login"), name="logout"),
]
