"""Two outside parties, built on the sdk alone: a Jobcenter desk and a provider desk."""
