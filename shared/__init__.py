"""What the four services share. It knows no service."""
