"""The routes, called as the daemon serves them."""

from fastapi import FastAPI
from fastapi.testclient import TestClient

from skills_plugin import router

app = FastAPI()
app.include_router(router)
client = TestClient(app)


def test_somebody_is_greeted():
    assert client.get("/greeting/Ada").json() == {"success": True, "data": "Hello, Ada!"}
    assert client.get("/greeting/Ada?loud=true").json()["data"] == "HELLO, ADA!"


def test_words_are_counted():
    answer = client.post("/tally", json={"words": ["a", "b", "a"], "least": 2})
    assert answer.json()["data"] == {"a": 2}
    assert client.post("/tally", json={}).status_code == 422
