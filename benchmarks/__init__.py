"""Benchmarks of accuracy and speed."""
