"""Running Gesehen: private broker, provisioning, launcher, stories."""
