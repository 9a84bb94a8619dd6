"""What Prometheus scrapes: read from Redis, and by registered collectors from elsewhere, at each scrape; nothing is kept in the process."""
