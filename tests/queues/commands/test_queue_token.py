import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from queues.api.tokens import find_name


def made(*arguments: str) -> str:
    out = StringIO()
    call_command("queue_token", *arguments, stdout=out)
    return out.getvalue()


def test_what_it_prints_works_when_it_is_put_where_it_says(settings) -> None:
    text = made("prometheus")
    (token,), ((name, known),) = re.findall(r"queues_[\w-]{43}", text), re.findall(r'"(\w+)": "(\w{64})"', text)
    assert find_name(token) is None
    settings.QUEUES_API_TOKENS = {name: known}
    assert find_name(token) == "prometheus"
    assert Client(headers={"Authorization": f"Bearer {token}"}).get("/api/admin/queues").status_code == 200


def test_no_two_are_alike_and_a_name_is_not_needed() -> None:
    assert made() != made() and '"monitoring": ' in made()


@pytest.mark.parametrize("name", ["", "two words", 'a"b', "x" * 51, "é"])
def test_a_name_that_the_settings_could_not_hold_is_refused(name: str) -> None:
    with pytest.raises(CommandError, match="is no name"):
        made(name)


def test_it_runs_while_the_settings_hold_a_wrong_hash(settings) -> None:
    settings.QUEUES_API_TOKENS = {"wrong": "hash"}
    assert "QUEUES_API_TOKENS" in made()
