"""Stands in for the classes of `_skills_host` that the host's Python half needs of a loop.

The module exists in the daemon's process alone, where its classes are tested. These are as
short as what the tests of the Python half make of them.
"""

import asyncio
import sys


class Starter:
    """Begins tasks with their first step."""

    def __init__(self, event_loop):
        self._loop = event_loop

    def begin(self, work, context):
        if sys.version_info >= (3, 12):
            return asyncio.Task(work, loop=self._loop, context=context, eager_start=True)
        caught = []
        self._loop.call_soon = lambda step, context: caught.append((step, context))
        try:
            task = context.run(asyncio.Task, work, loop=self._loop)
        finally:
            del self._loop.call_soon
        ((step, context),) = caught
        context.run(step)
        return task


class Dispatcher:
    """Calls handlers; what is left of calls is the runner's."""

    def __init__(self, handlers, base, variables, telemetry, tasks, inbox, runner):
        self._handlers = handlers
        self._base = base
        self._variables = variables
        self._tasks = tasks
        self._runner = runner

    def begin(self, call):
        """Begins a call on the loop's thread."""
        handler = None if call.plan is None else self._handlers[call.plan]
        if handler is None:
            self._runner.run(call)
            return
        function, binder = handler
        context = call.context(self._base, *self._variables)
        arguments = call.arguments(binder)
        if arguments is None:
            self._runner.unbound(call, context)
            return
        try:
            task = self._tasks.begin(function(**arguments), context)
        except BaseException as error:
            self._runner.refused(call, error, context)
            return
        if task.done():
            self.done(call, task, context)
        else:
            self._runner.waits(self, call, task, context)

    def done(self, call, task, context):
        """Answers with the outcome of a task."""
        try:
            result = task.result()
        except BaseException:
            self._runner.raised(call, task, context)
            return
        if not call.finish(result):
            self._runner.returned(call, result, context)

    def run(self, call):
        """Carries out a call on a thread; returns what is left for the loop."""
        handler = None if call.plan is None else self._handlers[call.plan]
        if handler is None:
            return self._runner.run_sync(call)
        function, binder = handler
        arguments = call.arguments(binder)
        if arguments is None:
            return self._runner.unbound_sync(call)
        try:
            result = function(**arguments)
        except BaseException as error:
            return self._runner.raised_sync(call, error)
        return None if call.finish(result) else self._runner.returned_sync(call, result)
