"""Training of networks: recipes, skorch net, loop, checkpoints, devices."""

from ._recipe import Recipe

__all__ = ["Recipe"]
