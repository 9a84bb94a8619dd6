"""The permissions and groups that ship with the queues."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command

from queues.permissions import GROUPS

pytestmark = pytest.mark.django_db


def codenames(group: str) -> set[str]:
    held = Group.objects.get(name=group).permissions.values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in held}


@pytest.mark.parametrize("group", GROUPS)
def test_migrate_brings_two_groups_with_their_permissions(group: str) -> None:
    assert codenames(group) == set(GROUPS[group])


def test_a_group_that_was_changed_stays_as_it_is_and_one_that_is_gone_comes_back() -> None:
    Group.objects.get(name="queue operators").permissions.remove(Permission.objects.get(codename="remove_job"))
    Group.objects.get(name="queue viewers").delete()
    call_command("migrate", verbosity=0)
    assert codenames("queue operators") == set(GROUPS["queue operators"]) - {"queues.remove_job"}
    assert codenames("queue viewers") == set(GROUPS["queue viewers"])


def test_other_apps_rights_are_in_the_groups_but_for_those_that_are_given_by_name() -> None:
    assert "embeddings.view_coverage" in codenames("queue viewers")
    assert "embeddings.change_coverage" not in codenames("queue viewers")
    assert "embeddings.change_coverage" in codenames("queue operators")
    assert "embeddings.search_as_user" not in codenames("queue operators")
