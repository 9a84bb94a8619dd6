"""The form of a job's payload."""
