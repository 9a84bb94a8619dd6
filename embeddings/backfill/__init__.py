"""Backfill: what has to be embedded is found by key, estimated, owed in parts, and followed or embedded here."""
