"""What everybody may know: settings, records, topics, ids, the domain, masking."""
