"""The words that the services say to each other: one module per producer."""
