"""The pages of the index in Django's admin: its tables, how complete it is, a search, and the state of single entities."""

from embeddings.admin import coverage_admin, job_links, tables  # noqa: F401  # registered by being imported
from embeddings.admin.embedded import EmbeddedAdmin

__all__ = ["EmbeddedAdmin"]
