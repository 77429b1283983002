"""What readers are interested in, and what to recommend to them. Pure: vectors and records in, ranked items out."""
