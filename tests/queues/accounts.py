"""Accounts with the rights that a test is about."""

from django.contrib.auth.models import Permission, User


def make_user(*permissions: str, is_staff: bool = True) -> User:
    """A user who holds only these permissions of `queues`."""
    user = User.objects.create_user(f"user-{User.objects.count()}", is_staff=is_staff)
    for codename in permissions:
        user.user_permissions.add(Permission.objects.get(content_type__app_label="queues", codename=codename))
    return user
