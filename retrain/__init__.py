"""From labels to a better model."""
