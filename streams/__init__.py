"""The streaming application."""
