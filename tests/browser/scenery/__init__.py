"""An installation as it looks on a weekday at noon, for the screenshots."""
