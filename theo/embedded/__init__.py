"""A private PostgreSQL and a private Redis for development: from wheels, below THEO_DATA_DIR, started on demand."""

from theo.embedded.exceptions import EmbeddedError
from theo.embedded.servers import ensure_servers

__all__ = ["EmbeddedError", "ensure_servers"]
