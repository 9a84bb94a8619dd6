"""Writes that send no signals, through a queryset that captures them."""
