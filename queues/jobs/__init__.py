"""Jobs: registered names with typed payloads."""
