"""The bench plugin served by FastAPI itself, for uvicorn and Granian."""

from __future__ import annotations

from fastapi import FastAPI
from plugins.bench import router

app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
app.include_router(router, prefix="/bench")
