"""Where messages come from: files, standard input, feeds."""
