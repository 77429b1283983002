"""Pure logic: no Kafka, no files, no clock."""
