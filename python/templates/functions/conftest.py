"""Lies here so that pytest finds `skills_plugin` beside it."""
