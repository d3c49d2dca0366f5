"""The console's engine: read questions, record answers, apply them. Knows nothing of Textual."""
