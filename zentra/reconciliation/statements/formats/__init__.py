"""The formats of statements. Parsers alone: nothing here knows the database or Django."""
