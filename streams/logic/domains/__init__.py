"""A domain of one's own: the skeleton to begin from, and whether what was written is enough for a first model. Pure."""
