"""The messages of tests/content: what must be refused, and what must not. make_corpus.py writes them."""
