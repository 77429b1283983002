"""Files of answers and pages: tables, JSON, Markdown and HTML, read into documents."""
