"""What ``tocsin demo`` plays, where it plays it, what it counts, and how it shows that."""
