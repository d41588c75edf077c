"""Plugins of plain functions: no class, no router, no framework to import.

`discover` finds the commands of a module, `signature` their parameters, `value` converts and
describes values, `command` binds requests, `document` writes the OpenAPI document, `application`
answers requests, `plan` tells how a command is called directly, and `plugin` is all of it together.
"""
