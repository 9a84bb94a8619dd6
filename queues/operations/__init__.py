"""What operators and time do to queues: schedules, clean-up, health, dead letters, many jobs at once."""
