"""What is done to queues over time: schedules, later health and clean-up."""
