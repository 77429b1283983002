"""What a person does by the page: each writes records to topics, as the commands do."""
