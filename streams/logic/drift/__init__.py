"""Whether the stream is still like what the model was made from: samples, their comparison, and what is told."""
