"""What is told of a pi-curve study: its tables and sentences, as Markdown and as one HTML page, and its pictures."""
