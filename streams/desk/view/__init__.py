"""What the page shows: bounded state, updated by decoded records. Pure: no Kafka, no clock, no network."""
