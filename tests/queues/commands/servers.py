"""Settings of a project whose queues are on several Redis servers, of which only the first is there."""

from tests.settings import *  # noqa: F403
from tests.settings import RQ_QUEUES

_JSON = {"SERIALIZER": "rq.serializers.JSONSerializer"}

RQ_QUEUES = {
    "notifications": RQ_QUEUES["notifications"],
    "embeddings": RQ_QUEUES["embeddings"],
    "email-sync": {"URL": "redis://user:secret@127.0.0.1:1/0", **_JSON},
    "mail": {"URL": "redis://user:secret@127.0.0.1:1/0", **_JSON},
    "reports": {"URL": "redis://127.0.0.1:2/0", **_JSON},
}
