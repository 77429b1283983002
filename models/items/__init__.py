"""What can be recommended, as the encoder understands it, and the ranker's versions."""
