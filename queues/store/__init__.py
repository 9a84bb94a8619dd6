"""What stands in Redis: RQ's own keys and formats, and beside them what RQ has no place for."""
