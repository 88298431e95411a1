"""The nouns: each a record, its invariants and its statements, in one file."""
