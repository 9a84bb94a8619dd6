import secrets
from dataclasses import dataclass

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser

NAME = "admin"


@dataclass(frozen=True, kw_only=True)
class Account:
    user: AbstractBaseUser
    name: str
    password: str


def ensure_admin(password: str = "") -> Account:
    """A superuser called `admin` with this password, or with a new random one."""
    password = password or secrets.token_urlsafe(9)
    model = get_user_model()
    user = model._default_manager.filter(**{model.USERNAME_FIELD: NAME}).first() or model(**{model.USERNAME_FIELD: NAME})
    user.is_active = user.is_staff = user.is_superuser = True
    user.set_password(password)
    user.save()
    return Account(user=user, name=NAME, password=password)
