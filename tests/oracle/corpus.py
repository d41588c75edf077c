"""Texts for parameters: those that fit a type, those that nearly fit, those that do not.

To add a text, put it where its type is; it is then sent to every parameter of that type.
"""

# ruff: noqa: E501, RUF001 - lists of odd texts, which are meant to be odd

from __future__ import annotations

import ipaddress
from typing import Any

import pydantic

ANY = [
    "word", "", " ", "a b", " padded ", "ünï", "日本", "\U0001f600", "e\u0301", "null", "None",
    "undefined", "a/b", "/", "a%2Fb", "%", "&=?#", "a=b", '"quoted"', "'q'", "\t", "a\nb", "x\n",
    "\n", "\x00", "a\x00b", "\u2028", "\ufeff1", "\u200b", "\xa0", ".", "..", "x" * 300, "[]", "{}",
    "a,b", "a;b", "ab\r", "-", "_", "\\", "<x>", "{v}", "ab", "abcde", "a1", "ö1",
]  # fmt: skip
INT = [
    "5", "0", "1", "2", "10", "50", "99", "100", "101", "-1", "-0", "+1", "+0", "007", "0000",
    "-007", "1_000", "1__0", "_1", "1_", "0_0", "1,000", "1 000", " 1", "1 ", "\t1\n", "\xa01",
    "1\x00", "1.0", "1.", "1.00000", "-1.0", "1.5", ".0", "1e0", "1e3", "1E3", "0x10", "0b1", "0o7",
    "--1", "+-1", "- 1", "+", "१", "１２", "²", "½", "Ⅷ", "1a", "a1", "1-", "１.0", "nan", "inf",
    "2147483648", "9007199254740993", "9223372036854775807", "9223372036854775808",
    "-9223372036854775808", "-9223372036854775809", "18446744073709551616", "1" * 40, "9" * 400,
    "1" * 4300, "1" * 4301, "0" * 5000, "9" * 40 + ".0", "1." + "0" * 400, "0.0", "-0.0", "1_0.0",
    "9223372036854775807.0", "9223372036854775808.0", "true", "1\n",
]  # fmt: skip
FLOAT = [
    "0.5", "0.25", ".5", "5.", "-.5", "+.5", ".", "1e5", "1E5", "1e+5", "1e-5", "1e", "e1", "1e400",
    "-1e400", "1e-400", "5e-324", "1.7976931348623157e308", "0.1", "0.30000000000000004", "0.3",
    "1_0.5", "1_0e1_0", "1._5", "nan", "NaN", "NAN", "-nan", "+nan", "inf", "Inf", "infinity",
    "Infinity", "-Infinity", "+inf", "infin", "-inf", "0x1p3", "1,5", "1.5.2", "1d5", "1f", " 0.5 ",
    "0." + "3" * 60, "123456789012345678901234567890", "1e16", "1e15", "1e22", "-0", "-0.0", "٠.٥",
]  # fmt: skip
BOOL = [
    "true", "false", "True", "TRUE", "tRUE", "False", "FALSE", "1", "0", "on", "off", "On", "OFF",
    "t", "f", "T", "F", "y", "n", "Y", "N", "yes", "no", "YES", "No", "2", "-1", "01", "1.0", "0.0",
    " true", "true ", "tru", "truee", "ja", "enabled", "nul", "ｔrue", "ON", "oN", "00", "true\n",
]  # fmt: skip
DATE = [
    "2024-02-29", "2023-02-29", "2024-2-9", "20240229", "2024-02-30", "2024-13-01", "0001-01-01",
    "0000-01-01", "9999-12-31", "10000-01-01", "-2024-01-01", "2024/01/01", "01-02-2024", "2024-01",
    "2024-W01-1", "2024-001", "2024-02-29T00:00:00", "2024-02-29T00:00:00Z", "2024-02-29 00:00",
    "2024-02-29T00:00:00+02:00", "2024-02-29T00:00:01", "2024-02-29T", "0", "86400", "86401", "-1",
    "-86400", "1709164800", "1709164800000", "1709164800.0", "1709164800.5", "1e9", "11676096000",
    "11676096001", "20000000000", "20000000001", "253402300799", "253402300800", "-62135596800",
    "-62135596801", " 2024-02-29", "2024-02-29 ", "２０２４-01-01", "2024-01-01\n", "today", "2019-12-31",
]  # fmt: skip
DATETIME = [
    "2024-02-29T01:02:03", "2024-02-29 01:02:03", "2024-02-29t01:02:03z", "2024-02-29_01:02:03",
    "2024-02-29T01:02", "2024-02-29T01", "2024-02-29T0102", "20240229T010203", "2024-02-29T01:02:03Z",
    "2024-02-29T01:02:03.4", "2024-02-29T01:02:03.456789", "2024-02-29T01:02:03.4567891",
    "2024-02-29T01:02:03,456", "2024-02-29T01:02:03.", "2024-02-29T01:02:03+02:00",
    "2024-02-29T01:02:03+0200", "2024-02-29T01:02:03+02", "2024-02-29T01:02:03 +02:00",
    "2024-02-29T01:02:03-00:00", "2024-02-29T01:02:03+24:00", "2024-02-29T01:02:03+23:59",
    "2024-02-29T01:02:03-23:59", "2024-02-29T01:02:03+02:00:30", "2024-02-29T24:00:00",
    "2024-02-29T23:59:60", "2024-02-29T01:60:00", "2024-02-29T25:00", "2024-02-29T1:2:3",
    "2024-02-29", "0", "1", "-1", "1709168523", "1709168523.123456", "1709168523123", "1.5", "1e3",
    "-1.5", "20000000000", "20000000001", "nan", "inf", "1709168523.1234567", "2024-02-29T01:02:03Z[UTC]",
    "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00+01:00", "2024-02-29T01:02:03−02:00",
    "2024-02-29T01:02:03 Z", " 2024-02-29T01:02:03", "2024-06-15T12:00:00.123Z", "now",
]  # fmt: skip
TIME = [
    "01:02:03", "01:02", "1:2", "01", "0102", "24:00", "23:59:60", "23:59:59.999999", "01:02:03.4",
    "01:02:03,4", "01:02:03.1234567", "01:02Z", "01:02+02:00", "01:02:03-05:30", "T01:02", "0", "1",
    "-1", "86399", "86400", "86399.9999999", "3600.5", "1e3", " 01:02", "01:02:03 PM", "noon",
]  # fmt: skip
TIMEDELTA = [
    "P1D", "PT1H", "P1DT2H3M4.5S", "P1W", "P1Y", "P1M", "-P1D", "+P1D", "P-1D", "P", "PT", "P1.5D",
    "1", "-1", "1.5", "1e3", "0", "01:02:03", "01:02", "1 day, 01:02:03", "1 days 01:02:03", "-1 day",
    "1d", "2 days", "00:00:00.000001", "24:00:00", "25:61:00", "-01:00:00", "999999999", "1" * 20,
    "999999999 days", "1000000000 days", "P1DT", "PT0.0000001S", "nan", "inf", "p1d", " P1D",
]  # fmt: skip
UUID = [
    "12345678-1234-5678-1234-567812345678", "12345678123456781234567812345678",
    "{12345678-1234-5678-1234-567812345678}", "urn:uuid:12345678-1234-5678-1234-567812345678",
    "12345678-1234-5678-1234-56781234567", "12345678-1234-5678-1234-5678123456789",
    "1234567812345678-1234-567812345678", "AAAAAAAA-BBBB-4CCC-8DDD-EEEEEEEEEEEE",
    "aaaaaaaa-BBBB-4ccc-9ddd-eeeeeeeeeeee", "gggggggg-1234-5678-1234-567812345678",
    "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
    " 12345678-1234-5678-1234-567812345678", "12345678_1234_5678_1234_567812345678",
    "{12345678123456781234567812345678}", "URN:UUID:12345678-1234-5678-1234-567812345678",
    "f47ac10b-58cc-4372-a567-0e02b2c3d479", "1-2-3-4-5", "12345678-1234-5678-1234-567812345678\n",
    "１2345678-1234-5678-1234-567812345678",
]  # fmt: skip
DECIMAL = [
    "1.5", "1.50", "1", "-1", "+1", "-0", "0.0", "00.10", "1e3", "1E-3", "1E+3", "1e400", "1_0.5",
    "1__0", ".5", "5.", ".", "1,5", "nan", "NaN", "sNaN", "-NaN", "NaN123", "inf", "Infinity",
    "-Infinity", "infi", "99.99", "100.00", "99.999", "999.9", "9999", "10000", "0.01", "0.001",
    "0.1e1", "1" * 60 + "." + "2" * 60, " 1.5 ", "\t1.5\n", "१.५", "0x1", "1.5f", "1e9999999",
    "1e99999999999999999999", "1e-9999999", "--1",
]  # fmt: skip
OTHER: dict[Any, list[str]] = {
    ipaddress.IPv4Address: ["127.0.0.1", "1.2.3", "256.1.1.1", "01.2.3.4", "::1", "1", "2130706433"],
    pydantic.AnyHttpUrl: [
        "http://h", "HTTP://EXAMPLE.com:80/a b?q#f", "https://ü.example/", "ftp://h", "h", "http://",
        "http://h:99999", " http://h ", "http://[::1]/x", "http://u:p@h/../x",
    ],
    pydantic.ByteSize: ["1", "1.5KiB", "1 kb", "1MB", "-1", "1x", "1e3", "12 TiB", "kb", "0.1b"],
    pydantic.SecretStr: ["secret", "", "ü"],
    pydantic.Json: ['{"a": [1, 2.0, null]}', "1", '"x"', "{", "NaN", "[1,]", "", "1e400", '{"a":1,"a":2}'],
}  # fmt: skip
#: Already encoded, or not encoded as they should be: for paths and queries.
RAW = [
    "%", "%2", "%zz", "%%", "%25", "%252F", "%FF", "%C3", "%C3%28", "%ED%A0%80", "%F4%90%80%80",
    "%C0%80", "%F0%9F%98%80", "%00", "%0A", "%0D%0A", "%09", "+", "%2B", "%20", "a+b", "%2f", "%2F",
    "a%2Fb", "%2E%2E", "%2e", "..", ".", "%26", "%3D", "%3B", ";", "a;b=c", "%5B%5D", "[]", "%E2%80%A8",
    "%u0041", "%41", "%61b", "a%", "1%30", "%31", "%2D1", "1%0A", "x%0A", "%0A1", "%201", "1%20",
    "%2B1", "+1", "1+", "%C2%A01", "1%00", "%EF%BB%BF1", "!", "$", "'", "(", ")", "*", ",", ":", "@",
    "~", "-._~", "%7E", "%3F", "%23", "%22", "%5C", "%7B", "%ff%fe", "%e4", "a%C3%BC",
]  # fmt: skip
#: Characters that a URL may not have as they are.
FORBIDDEN = ['"', "<", ">", "\\", "^", "`", "{", "|", "}", "\x7f", "ü"]
#: Types of bodies, some of which are none; `None` for no header.
CONTENT_TYPES: list[bytes | None] = [
    None, b"application/json", b"application/json; charset=utf-8", b"application/json;charset=latin-1",
    b"application/json ; a=b", b"application/json;", b"application/json; charset=\"utf-16\"",
    b"application/json; charset*=utf-8''x", b"application/json (comment)", b"application/vnd.api+json",
    b"application/vnd.api+json; ext=\"a;b\"", b"application/problem+JSON", b"application/+json",
    b"application/x+y+json", b"application/x+jsonp", b"application/jsonp", b"application/json/",
    b"application / json", b"application/", b"/json", b"APPLICATION/JSON;CHARSET=X", b"application",
    b"application\\json", b"text/plain; application/json", b"application/json; \xe9=\xff", b";",
    b"application/json; charset=utf-8; charset=latin-1", b"\xef\xbb\xbfapplication/json", b"*/*",
    b"APPLICATION/JSON", b"application/vnd.x+json", b"text/json", b"text/plain", b"", b"json",
    b"application/x-www-form-urlencoded", b"multipart/form-data", b"application/octet-stream",
    b"multipart/form-data; boundary=oracle-boundary", b"application/json, text/plain",
]  # fmt: skip
#: Bodies, most of them broken.
BODIES = [
    b"", b" ", b"{", b"null", b"[]", b"{}", b"1", b"NaN", b'"x"', b"{'a': 1}", b'{"a": 1,}', b"\xff",
    b'\xef\xbb\xbf{"a": 1}', b'{"a": 1, "a": 2}', b'{"a": "\xc3\xbc"}', b'{"a": "\\ud800"}', b"tru",
    b'{"a": 1e400}', b'{"a": ' + b"1" * 5000 + b"}", b"[" * 200 + b"]" * 200, '"ü"'.encode("utf-16"),
    "{}".encode("utf-16-le"), "{}".encode("utf-16-be"), "{}".encode("utf-32"), "[1]".encode("utf-32-le"),
    "[]".encode("utf-32-be"), "null".encode("utf-16-be"), b"\xef\xbb\xbf", b"\xff\xfe", b"\xef\xbb\xbf\xef\xbb\xbf{}", b"\x00",
    b"Infinity", b"-Infinity", b'{"a": NaN, "item": Infinity}', b"nan", b'"\\ud83d\\ude00"', b'"\\ud800x"', b'"\xed\xa0\x80"',
    b'{"\\udfff": 1}', b"-0", b"-0.0", b"01", b"1.", b".5", b"+1", b"1e5", b"-" + b"9" * 4300, b"9" * 4301, b"1" + b"0" * 400 + b".0",
    b'{"a": 1}\x00', b"null null", b"// x\n{}", b"{} \t\r\n", b"\x0b{}", b"\xc2\xa0{}", b'"a\nb"', b'"\\x"', b'"\\u12"', b'{"": 1}',
    b"{,}", b"[,]", b'{"a" 1}', b"{1: 2}", b"[" * 100_000, b'{"a":' * 2000 + b"1" + b"}" * 2000, b"true", b"True",
    b"a=1&a=2&b", b"--oracle-boundary\r\n", b"{\"a\": 1}x", b"\n{\"a\":\t1}\n", b"x" * 70_000,
]  # fmt: skip
#: Separator of the parts of a multipart form.
BOUNDARY = "oracle-boundary"
_PART = b"--oracle-boundary\r\nContent-Disposition: form-data; "
_END = b"\r\n--oracle-boundary--\r\n"
#: Multipart forms, most of them broken.
PARTS = [
    _END, _PART, _PART + b'name="a"\r\n\r\n1', _PART + b'name="a"\r\n\r\n1\r\n--oracle-boundary--',
    _PART + b"name=a\r\n\r\n1" + _END, _PART + b"\r\n\r\n1" + _END, _PART + b'name=""\r\n\r\n1' + _END,
    _PART + b'name="data"; filename=""\r\n\r\n' + _END, _PART + b'name="a"\n\n1\n--oracle-boundary--\n',
    _PART + b'name="data"; filename="a\\"b.txt"\r\nContent-Type: text/plain; charset=latin-1\r\n\r\n\xe9' + _END,
    _PART + b"name=\"data\"; filename*=UTF-8''%C3%BC.txt\r\n\r\nx" + _END, b"preamble\r\n" + _PART,
    _PART + b'name="a"\r\nContent-Type: text/plain; charset=latin-1\r\n\r\n\xe9' + _END,
    _PART + b'name="a"\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ==' + _END,
    _PART + b'name="a"\r\n\r\n\xff' + _END, _PART + b'name="\xc3\xbc"\r\n\r\n1' + _END,
    b"--other\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--other--\r\n",
    b"".join(_PART + b'name="a"\r\n\r\n1\r\n' for _ in range(1100)) + _END[2:],
    _PART + b'name="data"; filename="x"\r\n\r\n' + b"x" * 70_000 + _END,
]  # fmt: skip
