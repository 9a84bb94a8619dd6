"""The names of this app's queue and jobs, as the specification has them."""

from typing import Literal

EMBEDDINGS = "embeddings"

GENERATE_EMBEDDING = "generate-embedding"
DELETE_EMBEDDING = "delete-embedding"
BULK_EMBED = "bulk-embed"
CLEANUP_EMBEDDINGS = "cleanup-embeddings"
COUNT_EMBEDDINGS = "count-embeddings"
SWEEP_EMBEDDINGS = "sweep-embeddings"
EXPAND_FAN_OUT = "expand-fan-out"

Operation = Literal["create", "update", "delete"]
