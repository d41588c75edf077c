"""Routes whose work is to read a body: models, forms, files."""

from __future__ import annotations

import datetime
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, UploadFile
from pydantic import BaseModel, Field

router = APIRouter()


class Order(BaseModel):
    """A request body."""

    item: str = Field(min_length=1)
    count: int = Field(1, ge=1, le=99)
    gift: bool = False


class Address(BaseModel):
    """A model in a model."""

    street: str
    city: str
    zip: str | None = None


class Customer(BaseModel):
    """A model with a model."""

    name: str = Field(min_length=1, max_length=80)
    email: str
    address: Address


class Invoice(BaseModel):
    """Three levels of models."""

    number: int
    due: datetime.date
    customer: Customer
    orders: list[Order]
    notes: dict[str, str] = {}


@router.post("/order")
async def order(order: Order):
    """Take a request body with a model."""
    return {"success": True, "data": order.model_dump()}


@router.post("/invoice")
async def invoice(invoice: Invoice):
    """Take models in models."""
    total = sum(order.count for order in invoice.orders)
    return {"success": True, "data": {"city": invoice.customer.address.city, "total": total}}


@router.post("/orders")
async def orders(orders: list[Order]):
    """Take a list of models."""
    return {"success": True, "data": sum(order.count for order in orders)}


@router.post("/form")
async def form(
    name: Annotated[str, Form(min_length=1)],
    age: Annotated[int, Form(ge=0)],
    city: Annotated[str, Form()] = "",
    news: Annotated[bool, Form()] = False,
) -> dict[str, Any]:
    """Take a form."""
    return {"name": name, "age": age, "city": city, "news": news}


@router.post("/upload")
async def upload(
    file: Annotated[UploadFile, File()],
    title: Annotated[str, Form()],
    pages: Annotated[int, Form()] = 1,
) -> dict[str, Any]:
    """Take a file."""
    content = await file.read()
    return {"name": file.filename, "size": len(content), "title": title, "pages": pages}
