"""What replies are drawn from: approved answers and pages, found by meaning (vectors) and by words (BM25)."""
