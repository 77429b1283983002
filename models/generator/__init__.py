"""The generator: a small causal language model that drafts replies and briefs, served without torch."""
