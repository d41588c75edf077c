"""Records of the SDK's logger reach the root logger with message and context."""

import contextvars
import logging
import sys

import pytest

from skills_daemon.logging import (
    DaemonLogger,
    generate_request_id,
    get_request_id,
    logger,
    request_id_ctx,
    set_request_id,
)


@pytest.fixture
def records(caplog):
    """Everything that reaches the root logger, from DEBUG up."""
    received = []
    handler = logging.Handler()
    handler.emit = received.append
    caplog.set_level(logging.DEBUG)
    logging.getLogger().addHandler(handler)
    yield received
    logging.getLogger().removeHandler(handler)


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_a_record_carries_message_and_context(records, level):
    getattr(logger, level)("Plugin loaded", plugin="jira", routes=3)
    [record] = records
    assert record.name == "skills-daemon"
    assert record.levelname == level.upper()
    assert record.getMessage() == record.event == "Plugin loaded"
    assert record.context == {"plugin": "jira", "routes": 3}


def test_a_record_names_the_line_that_logged(records):
    logger.info("here")
    line = sys._getframe().f_lineno - 1
    logger.log("INFO", "there")
    assert [(r.filename, r.funcName, r.lineno) for r in records] == [
        ("test_logging.py", "test_a_record_names_the_line_that_logged", number)
        for number in (line, line + 2)
    ]


def test_a_percent_sign_is_just_text(records):
    logger.info("100 % of %s %(name)s", name="x")
    assert records[0].getMessage() == "100 % of %s %(name)s"


def test_context_may_use_the_names_of_record_attributes(records):
    logger.info("m", level="low", event="e", name="n", msg="x", args=(1,), context={}, exc_text="t")
    assert records[0].context == {
        "level": "low",
        "event": "e",
        "name": "n",
        "msg": "x",
        "args": (1,),
        "context": {},
        "exc_text": "t",
    }
    assert records[0].event == "m"


def test_the_running_exception_is_attached_on_request(records):
    try:
        raise LookupError("gone")
    except LookupError as error:
        logger.error("failed", exc_info=True, plugin="jira")
        raised = error
    assert records[0].exc_info[:2] == (LookupError, raised)
    assert records[0].context == {"plugin": "jira"}


def test_an_exception_can_be_given(records):
    error = LookupError("gone")
    logger.warning("failed", exc_info=error)
    assert records[0].exc_info == (LookupError, error, None)


def test_no_exception_is_attached_unasked(records):
    logger.error("failed")
    assert records[0].exc_info is None


def test_the_level_of_the_standard_logger_applies(caplog):
    caplog.set_level(logging.WARNING)
    logger.info("not seen")
    logger.warning("seen")
    assert [record.event for record in caplog.records] == ["seen"]


def test_log_takes_the_level_by_name(records):
    logger.log("warning", "careful", why="test")
    assert (records[0].levelname, records[0].context) == ("WARNING", {"why": "test"})
    with pytest.raises(ValueError, match="LOUD"):
        logger.log("LOUD", "unheard")


def test_a_logger_of_another_name(records):
    DaemonLogger("skills-daemon.test").info("hello")
    assert records[0].name == "skills-daemon.test"


def test_request_id_is_none_outside_of_requests():
    assert contextvars.Context().run(get_request_id) is None


def test_request_id_is_set_and_reset():
    def in_request():
        token = set_request_id("abc12345")
        assert get_request_id() == request_id_ctx.get() == "abc12345"
        request_id_ctx.reset(token)
        assert get_request_id() is None

    contextvars.Context().run(in_request)


def test_request_ids_are_eight_hexadecimal_digits_and_differ():
    ids = {generate_request_id() for _ in range(20)}
    assert all(len(i) == 8 and set(i) <= set("0123456789abcdef") for i in ids)
    # Twenty random ids of 32 bits are all the same once in 10^183 runs.
    assert len(ids) > 1
