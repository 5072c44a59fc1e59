"""What is trained and shown, never how: one file per table or figure. `kinds` performs them."""
