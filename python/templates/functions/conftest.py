"""Makes this directory pytest's root, so that tests import `skills_plugin`."""
