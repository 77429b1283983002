"""Faust agents, one thin file each."""
