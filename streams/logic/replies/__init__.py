"""What may be answered, and what a text may claim. Pure: no Kafka, no network, no models; it is told the time."""
