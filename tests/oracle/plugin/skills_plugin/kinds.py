"""Types of parameters."""

# ruff: noqa: UP007, UP045 - both spellings of unions are checked

import datetime
import decimal
import enum
import ipaddress
import pathlib
import uuid
from typing import Annotated, Any, Literal, NewType, Optional, Union

import pydantic
from pydantic import AfterValidator, BeforeValidator, Field, Strict, StringConstraints


class Color(str, enum.Enum):
    """A text enum; names and values differ."""

    red = "r"
    green = "green"
    odd = "Ünï cödé/& +%"
    empty = ""
    one = "1"


class Level(enum.IntEnum):
    """An integer enum."""

    low = 1
    high = 10
    negative = -3


class Size(int, enum.Enum):
    """An integer enum of the older spelling."""

    small = 1
    large = 2


class Mixed(enum.Enum):
    """An enum whose values are of several types."""

    text = "a"
    number = 2
    digits = "3"
    ratio = 2.5
    yes = True


class Shout(str, enum.Enum):
    """An enum that finds members by itself."""

    loud = "LOUD"

    @classmethod
    def _missing_(cls, value: object) -> "Shout | None":
        return cls.loud if str(value).upper() == "LOUD" else None


Identifier = NewType("Identifier", int)


def _doubled(value: int) -> int:
    return value * 2


def _unquoted(value: Any) -> Any:
    return value.strip("'") if isinstance(value, str) else value


#: The kinds that parameters usually have.
COMMON: dict[str, Any] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "color": Color,
    "level": Level,
    "size": Size,
    "word": Literal["low", "high", "1"],
    "digit": Literal[1, 2],
    "date": datetime.date,
    "datetime": datetime.datetime,
    "time": datetime.time,
    "timedelta": datetime.timedelta,
    "uuid": uuid.UUID,
    "decimal": decimal.Decimal,
}

#: The kinds that a fast way may well leave to FastAPI, if it notices them.
RARE: dict[str, Any] = {
    "any": Any,
    "bytes": bytes,
    "mixed": Mixed,
    "shout": Shout,
    "truth": Literal[True],
    "some": Literal["1", 1, None, "null"],
    "aware": pydantic.AwareDatetime,
    "naive": pydantic.NaiveDatetime,
    "file": pathlib.Path,
    "uuid4": pydantic.UUID4,
    "ip": ipaddress.IPv4Address,
    "url": pydantic.AnyHttpUrl,
    "secret": pydantic.SecretStr,
    "bytesize": pydantic.ByteSize,
    "json": pydantic.Json,
    "positive": pydantic.PositiveInt,
    "identifier": Identifier,
    "int_str": Union[int, str],
    "str_int": Union[str, int],
    "int_float": Union[int, float],
    "float_int": Union[float, int],
    "bool_int": bool | int,
    "int_bool": int | bool,
    "date_datetime": Union[datetime.date, datetime.datetime],
    "datetime_date": Union[datetime.datetime, datetime.date],
    "color_int": Color | int,
    "strict_int": Annotated[int, Strict()],
    "strict_str": Annotated[str, Strict()],
    "finite": pydantic.FiniteFloat,
    "doubled": Annotated[int, AfterValidator(_doubled)],
    "unquoted": Annotated[int, BeforeValidator(_unquoted)],
    "slug": Annotated[
        str, StringConstraints(strip_whitespace=True, to_lower=True, pattern=r"^[a-z0-9-]+$")
    ],
    "money": Annotated[decimal.Decimal, Field(max_digits=4, decimal_places=2)],
    "later": Annotated[datetime.date, Field(ge=datetime.date(2020, 1, 1))],
    "left": Annotated[Union[int, str], Field(union_mode="left_to_right")],
    "maybe": Optional[int],
    "nested": Annotated[Annotated[int, Field(ge=0)], Field(le=100)],
}
