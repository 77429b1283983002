"""Files of labels: what people and labelling tools write, read into the contract's labels, and written again."""
