"""What a recipient installs: receive, open, commission, answer."""
