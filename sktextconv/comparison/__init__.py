"""Comparison of classifiers on the same texts."""
