"""Which jobs of a queue are meant, and a page of them at a time."""
