"""What no document has: all models of one kind on the same data, judged by everything."""
