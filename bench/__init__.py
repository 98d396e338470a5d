"""Measurements and long proofs; not installed."""
