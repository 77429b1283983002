"""Fine-tuning of the generator on a domain's questions and answers, and the gate that a tuned one has to pass."""
