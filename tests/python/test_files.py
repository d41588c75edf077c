"""Metadata of files that are responses."""

import os

import pytest
from fastapi.responses import FileResponse, Response

from skills_host.files import read_metadata


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("text")
    return path


def test_a_file_has_the_headers_that_starlette_sets(path):
    known, read = FileResponse(path, stat_result=os.stat(path)), FileResponse(path)
    read_metadata(read)
    assert read.raw_headers == known.raw_headers
    assert read.stat_result == known.stat_result


def test_metadata_that_is_there_is_kept(path):
    other = os.stat(path.parent)
    response = FileResponse(path, stat_result=other)
    read_metadata(response)
    assert response.stat_result is other


def test_what_is_no_file_is_left_to_the_response(path):
    for each in (path.parent, path.with_name("missing")):
        response = FileResponse(each)
        read_metadata(response)
        assert response.stat_result is None
        assert "content-length" not in response.headers
    read_metadata(Response("text"))
