"""Reconciling: the index is compared with the tables, and the difference is owed; what nobody has an entity for goes."""
