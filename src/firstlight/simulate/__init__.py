"""Simulated transient surveys: populations, sources, observing, products."""
