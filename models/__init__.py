"""The encoder, its runtime and the registry of its versions."""
