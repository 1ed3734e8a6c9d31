"""Assessment: a team takes a case, meets the person, and writes down what is so. Private notes never leave it."""

__version__ = "0.1.0"
