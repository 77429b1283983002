"""The desk's web page: a client of the same topics as every command. Closing it loses nothing."""
