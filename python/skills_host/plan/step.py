"""One call of a tree: of a dependency or, as the last one, of the handler."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from skills_host.plan import internals
from skills_host.plan.parameter import Parameter
from skills_host.plan.purity import is_pure
from skills_host.plan.reason import Unplanned

if TYPE_CHECKING:
    from skills_host.contract import State

_PLACES = ("path", "query", "header", "cookie")

#: The result of a step that was not called.
MISSING: Any = object()


class Step:
    """One call: of a dependency or, as the last one, of the handler.

    Args:
        dependant: FastAPI's `Dependant`.
        number: Its place in the tree.
        kind: How it is called.
        prefix: What the slots of its parameters begin with.
        converted: Names of path parameters that are not texts.

    Attributes:
        number: Its place in the tree.
        call: The function or class.
        kind: How it is called.
        manager: Makes the context manager of a generator.
        on_pool: True if it runs on a thread of the pool.
        closes_early: True if it is closed before the answer is sent.
        first: The earlier step whose result it takes.
        parameters: Those that the library binds.
        needs: Its keywords with the numbers of the steps whose results they get; no keyword for
            a dependency without one.
        body_fields: Its fields of the body.
        reads_files: True if fields of a form are the content of files, which may be on disk.
    """

    def __init__(
        self,
        dependant: Any,
        number: int,
        kind: internals.Kind,
        prefix: str,
        converted: Collection[str],
    ) -> None:
        self.number = number
        self.call: Callable[..., Any] = dependant.call
        self.kind = kind
        # A scope of cancellation that FastAPI has around the clean-up is left out: it shields from
        # outer scopes, of which a call has none.
        wrap = asynccontextmanager if kind == "async generator" else contextmanager
        self.manager: Callable[..., Any] = wrap(dependant.call)
        self.on_pool = kind in ("function", "generator")
        self.closes_early = getattr(dependant, "scope", None) == "function"
        self.first: int | None = None
        self.dependant = dependant
        self.needs: list[tuple[str | None, int]] = []
        self.parameters: list[Parameter] = []
        self._slots: list[tuple[str, str]] | None = []
        try:
            for parameter in _parameters(dependant, prefix, converted):
                self.parameters.append(parameter)
                self._slots.append((parameter.name, parameter.slot))
        except Unplanned:
            # FastAPI binds all of them.
            self.parameters, self._slots = [], None
        self.body_fields: list[Any] = list(dependant.body_params)
        self._single = _single(self.body_fields)
        self._embeds = False
        self._plain_fields = internals.plain_form_fields(self.body_fields)
        self.reads_files = any(_reads_files(field) for field in self.body_fields)
        self.takes_request = bool(
            dependant.request_param_name or dependant.http_connection_param_name
        )
        self.has_specials = self.takes_request or any(
            getattr(dependant, f"{name}_param_name")
            for name in ("response", "background_tasks", "security_scopes")
        )
        self.scopes = internals.scopes(dependant)
        #: True if code of the plugin validates its values, which it does on the loop.
        self.solves_on_loop = not all(is_pure(field) for field in _fields(dependant))
        #: True if a repeated step may fail where the first one did not, or has effects.
        self.must_repeat = self._slots is None or bool(self.body_fields)

    def embed(self, embeds: bool) -> None:
        """Sets whether the fields of the body are keys of an object."""
        self._embeds = embeds
        if embeds:
            self._single = None
        else:
            self._plain_fields = None

    def arguments(self, run: State) -> dict[str, Any] | None:
        """Returns the keyword arguments; adds errors to the run's and returns `None` if invalid."""
        return run.drive(self.solved(run)) if self.has_body else self._without_body(run)

    @property
    def has_body(self) -> bool:
        """True if the body has to be looked at by FastAPI's own function."""
        return bool(self.body_fields) and self._single is None

    async def solved(self, run: State) -> dict[str, Any] | None:
        """Returns what `arguments` does, for steps that may have to wait for files of a form."""
        values, is_valid = self._values(run)
        if run.form is not None and (of_form := self._of_form(run.form)) is not None:
            values.update(of_form[0])
            return self._completed(run, values, is_valid and not of_form[1], of_form[1])
        own, errors = await internals.body_reader()(self.body_fields, run.body, self._embeds)
        values.update(own)
        return self._completed(run, values, is_valid and not errors, errors)

    def _of_form(self, form: Any) -> tuple[dict[str, Any], list[Any]] | None:
        """Returns the values of plain fields that a form has, and their errors; else `None`."""
        if self._plain_fields is None:
            return None
        found = []
        for field, alias in self._plain_fields:
            value = form.get(alias)
            # What is empty has the default, which FastAPI knows.
            if not value or getattr(value, "filename", value) == "":
                return None
            found.append((field, alias, value))
        values: dict[str, Any] = {}
        errors: list[Any] = []
        for field, alias, value in found:
            valid, own_errors = field.validate(value, values, loc=("body", alias))
            if own_errors:
                errors += own_errors
            else:
                values[field.name] = valid
        return values, errors

    def _without_body(self, run: State) -> dict[str, Any] | None:
        values, is_valid = self._values(run)
        single = self._single
        if single is not None:
            if run.body is None or run.body is internals.no_body():
                own, errors = run.drive(
                    internals.body_reader()(self.body_fields, run.body, self._embeds)
                )
                values.update(own)
            else:
                values[single.name], errors = single.validate(run.body, values, loc=("body",))
            if errors:
                return self._completed(run, values, False, errors)
        if is_valid and not self.has_specials:
            return values
        return self._completed(run, values, is_valid, [])

    def _values(self, run: State) -> tuple[dict[str, Any], bool]:
        """Returns the results it needs and the values outside of the body; false if invalid."""
        results = run.results
        values: dict[str, Any] = {}
        is_valid = True
        for name, number in self.needs:
            result = results[number]
            if result is MISSING:
                is_valid = False
            elif name is not None:
                values[name] = result
        slots = self._slots
        if slots is not None:
            bound = run.slots
            try:
                for name, slot in slots:
                    values[name] = bound[slot]
                return values, is_valid
            except KeyError:
                pass
        own, errors = internals.parameters(self.dependant, run.request)
        values.update(own)
        run.errors += errors
        return values, is_valid and not errors

    def _completed(
        self, run: State, values: dict[str, Any], is_valid: bool, errors: list[Any]
    ) -> dict[str, Any] | None:
        """Adds what only the request has."""
        run.errors += errors
        dependant = self.dependant
        if self.has_specials:
            if dependant.http_connection_param_name:
                values[dependant.http_connection_param_name] = run.request
            if dependant.request_param_name:
                values[dependant.request_param_name] = run.request
            if dependant.background_tasks_param_name:
                values[dependant.background_tasks_param_name] = run.background_tasks()
            if dependant.response_param_name:
                values[dependant.response_param_name] = run.own_response()
            if dependant.security_scopes_param_name:
                from fastapi.security import SecurityScopes

                scopes = SecurityScopes(scopes=self.scopes)
                values[dependant.security_scopes_param_name] = scopes
        return values if is_valid else None


def _parameters(dependant: Any, prefix: str, converted: Collection[str]) -> list[Parameter]:
    if any(field.alias in converted for field in dependant.path_params):
        raise Unplanned("a convertor makes a parameter")
    return [
        Parameter(field, place, f"{prefix}{field.name}")
        for place in _PLACES
        for field in getattr(dependant, f"{place}_params")
    ]


def _fields(dependant: Any) -> list[Any]:
    of_places = [getattr(dependant, f"{place}_params") for place in (*_PLACES, "body")]
    return [field for fields in of_places for field in fields]


def _reads_files(field: Any) -> bool:
    """Returns true for a field that is the content of a file, or may be."""
    from fastapi import params

    return isinstance(field.field_info, params.File) and "bytes" in repr(
        field.field_info.annotation
    )


def _single(fields: list[Any]) -> Any:
    """Returns the field that is the whole JSON body, if it certainly is."""
    from fastapi import params

    if len(fields) != 1:
        return None
    info = fields[0].field_info
    is_form = isinstance(info, params.Form)
    return None if is_form or getattr(info, "embed", None) else fields[0]
