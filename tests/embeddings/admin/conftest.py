import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db.models.functions import Now
from django.test import Client

from embeddings.models import DirtyEntity
from tests.testapp.models import Note

Staff = Callable[..., Client]

COVERAGE = "/admin/embeddings/coverage/"
SEARCH = f"{COVERAGE}search/"
NOTHING = "\u2013"
MARKUP = "<script>alert(1)</script>"


@pytest.fixture
def staff() -> Staff:
    """`staff("embeddings.view_coverage", ...)`: the client of a staff user who holds these permissions alone."""

    def log_in(*permissions: str, **options: Any) -> Client:
        user = User.objects.create_user(f"staff-{User.objects.count()}", is_staff=True)
        for permission in permissions:
            app, _, codename = permission.partition(".")
            user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
        client = Client(**options)
        client.force_login(user)
        client.user = user
        return client

    return log_in


@pytest.fixture
def viewer(staff: Staff) -> Client:
    return staff("embeddings.view_coverage")


@pytest.fixture
def operator(staff: Staff) -> Client:
    return staff("embeddings.view_coverage", "embeddings.change_coverage")


def park(note: Note, reason: str = "ValueError: no content") -> None:
    DirtyEntity.objects.filter(entity_type="note", entity_id=str(note.pk)).update(parked_reason=reason, parked_at=Now())


def text_of(html: str) -> str:
    """What a person reads."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()


def cells(html: str, header: str) -> list[str]:
    """The texts of the row of a table that has this header."""
    for row in re.findall(r"<tr>(.*?)</tr>", html, re.S):
        found = re.search(r'<th scope="row"[^>]*>(.*?)</th>', row, re.S)
        if found and text_of(found[1]) == header:
            return [text_of(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.S)]
    raise AssertionError(f"no row {header!r}")
