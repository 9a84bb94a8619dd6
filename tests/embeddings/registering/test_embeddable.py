"""What an embeddable says of its rows."""

import pytest

from embeddings.registering.registry import registry
from tests.testapp.models import Attachment


@pytest.mark.django_db
def test_a_row_whose_way_to_the_owner_is_gone_has_none() -> None:
    embeddable = registry.get_by_model(Attachment)
    assert embeddable.owner == "article__author"
    assert embeddable.owner_id(Attachment(article_id=404)) is None
