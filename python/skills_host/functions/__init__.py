"""Plugins of plain functions: no class, no router, no framework to import.

`discover` finds the commands of a module, `signature` their parameters, `annotation` and `schema`
read annotations, `value` converts values, `command` binds requests, `document` writes the OpenAPI
document, `application` answers requests, `plan` makes call plans, and `plugin` combines them.
"""
