"""Bodies of forms by chance: well-formed, odd and broken ones."""

from __future__ import annotations

import random

TEXTS = [
    "a",
    "name",
    "a b",
    "ü",
    "日本",
    "à\xa0",
    "a;b",
    "a=b",
    "%22",
    "x" * 70,
    "a'b",
    "a,b",
    "<a>",
]
ODD_TEXTS = ["", 'a"b', 'a\\"b', "a\\b", "C:\\d\\e.txt", "\\\\s\\e", "a\tb", "\x7f", "a\rb", "\x00"]
CONTENTS = [
    b"",
    b"1",
    b"text",
    "ü".encode(),
    b"\xff\xfe",
    b"\x00\x01",
    b"\r\n",
    b"-",
    b"--",
    b"\n--",
]
CHARS = ["a", "B", "0", "+", "%20", "%2B", "%c3%bc", "%C3", "%", "%4", "%zz", "%00", ".", "~"]
ODD_CHARS = ["ü", " ", "\t", "\n", ";", "%ff", "%ed%a0%80", "'", '"', "/", "?", "\x00"]
ODD_HEADERS = ["X-Y: z", "X:y", "X: ", "X:", "X :y", ": y", "X", "X1: y", " X: y", "-X: y"]
ODD_HEADERS += ["Content-Transfer-Encoding: base64", "X: y  ", "X:  y", "x: \x01"]
BOUNDARIES = ["x", "----WebKitFormBoundary7MA4YWxk", "a-b_c.d+e", "x" * 70]
ODD_BOUNDARIES = ["a:b=c", "a b", "a;b", "a'b", "", "x" * 71, "x" * 300, "ü", "a(b)?c,d/e"]


class Bodies:
    """Makes content types and bodies from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        # Factor of the chance of whatever is odd, for one body.
        self._oddity = 0

    def next(self) -> tuple[str, bytes]:
        """Returns a content type and a body."""
        self._oddity = self._random.choice([0, 0, 0, 1, 1, 4])
        if self._random.random() < 0.35:
            return self._urlencoded()
        return self._multipart()

    def chunks(self, body: bytes) -> list[bytes]:
        """Returns a body in pieces, as they may arrive."""
        pieces = []
        while body:
            size = self._random.choice([len(body), len(body), 1, 2, 7, 50, 1000])
            pieces.append(body[:size])
            body = body[size:]
        return pieces

    def _odd(self, chance: float = 0.04) -> bool:
        return self._random.random() < chance * self._oddity

    def _pick(self, plain: list, odd: list, chance: float = 0.02):
        return self._random.choice(odd if self._odd(chance) else plain)

    def _urlencoded(self) -> tuple[str, bytes]:
        def text() -> str:
            count = self._random.randrange(0, 6)
            return "".join(self._pick(CHARS, ODD_CHARS) for _ in range(count))

        fields = []
        for _ in range(self._random.choice([0, 1, 2, 3, 5, 9])):
            form = self._random.randrange(8 if self._oddity else 1000)
            fields.append(
                {0: text(), 1: f"={text()}", 2: f"{text()}={text()}={text()}", 3: ""}.get(
                    form, f"{text()}={text()}"
                )
            )
        if self._odd(0.01):
            fields *= 400
        if self._odd(0.01):
            fields.append("big=" + "x" * self._random.choice([1048572, 1048573, 1048574, 2000000]))
        body = "&".join(fields).encode(self._random.choice(["utf-8", "latin-1"]), "replace")
        essence = self._pick(
            ["application/x-www-form-urlencoded"],
            ["Application/X-WWW-Form-URLencoded", "application/x-www-form-urlencode"],
        )
        end = self._pick(["", "", "; charset=utf-8"], [" ; charset=latin-1", ";", "; boundary=x"])
        return essence + end, body

    def _multipart(self) -> tuple[str, bytes]:
        boundary = self._pick(BOUNDARIES, ODD_BOUNDARIES)
        quoted = f'"{boundary}"' if self._random.random() < 0.4 else boundary
        header = f"multipart/form-data; boundary={quoted}"
        if self._odd(0.1):
            charset = self._pick(["utf-8", "UTF-8"], ["latin-1", "utf8", "nothing", "utf-16"], 0.4)
            header = self._random.choice(
                [
                    f"{header}; charset={charset}",
                    f"multipart/form-data; charset={charset}; boundary={quoted}",
                ]
            )
        if self._odd(0.02):
            header = self._random.choice(
                [
                    header.upper(),
                    f"{header};",
                    f"{header}; x=y",
                    "multipart/form-data",
                    header.replace("; ", ";"),
                ]
            )
        return header, self._parts(boundary.encode("latin-1", "replace"))

    def _parts(self, boundary: bytes) -> bytes:
        line = b"\n" if self._odd(0.01) else b"\r\n"
        count = self._random.choice([0, 1, 1, 2, 3, 4, 8])
        if self._odd(0.005):
            count = 1001
        parts = [self._part(boundary, line) for _ in range(count)]
        if self._odd(0.02):
            parts *= 3
        body = b"".join(b"--" + boundary + line + part + line for part in parts)
        body += self._pick(
            [b"--" + boundary + b"--" + line, b"--" + boundary + b"--"],
            [
                b"",
                b"--" + boundary,
                b"--" + boundary + b"-",
                b"--" + boundary + b"--epilogue",
                b"--" + boundary + b"--\r\n\r\n",
                b"--" + boundary + b"--\r\nepilogue",
            ],
        )
        if self._odd(0.03):
            body = (
                self._random.choice([b"\r\n", b"\n", b"preamble\r\n", b"\r\npreamble\r\n"]) + body
            )
        if self._odd(0.02) and body:
            at = self._random.randrange(len(body))
            body = (
                body[:at] + self._random.choice([b"", b"\r", b"\n", b"-", b"\xff"]) + body[at + 1 :]
            )
        return body

    def _part(self, boundary: bytes, line: bytes) -> bytes:
        name = self._pick(TEXTS, ODD_TEXTS)
        disposition = self._pick(
            [f'form-data; name="{name}"'],
            [
                f"form-data; name={name}",
                f'Form-Data; name="{name}"',
                f'attachment; name="{name}"',
                "form-data",
                f'form-data;name="{name}"',
                f'form-data; NAME="{name}"',
            ],
        )
        if self._random.random() < 0.4:
            file = self._pick(TEXTS, [*ODD_TEXTS, ""], 0.1)
            disposition += self._pick(
                [f'; filename="{file}"'],
                [
                    f"; filename={file}",
                    f"; filename*=utf-8''{file}",
                    f';filename="{file}"',
                    f"; filename=\"{file}\"; filename*=utf-8''b",
                    f'; filename="{file}"; x="y"',
                ],
            )
        headers = [f"Content-Disposition: {disposition}"]
        if self._random.random() < 0.4:
            headers.append(
                "Content-Type: " + self._pick(["text/plain", "image/png"], ["", "\ta", "ü"])
            )
        if self._odd(0.05):
            headers.append(
                self._random.choice(
                    [
                        *ODD_HEADERS,
                        "x: " + "y" * self._random.choice([4080, 5000]),
                        headers[0],
                    ]
                )
            )
        if self._odd(0.02):
            headers *= self._random.choice([0, 2, 5])
        self._random.shuffle(headers)
        encoding = "latin-1" if self._odd(0.02) else "utf-8"
        head = b"".join(each.encode(encoding, "replace") + line for each in headers)
        return head + line + self._content(boundary)

    def _content(self, boundary: bytes) -> bytes:
        if self._random.random() < 0.004:
            return b"x" * self._random.choice([1048575, 1048576, 1048577, 3000000])
        contents = [each for each in CONTENTS if self._oddity or each != b"\xff\xfe"]
        pieces = self._random.choices(contents, k=self._random.randrange(0, 5))
        if self._odd(0.08):
            pieces.insert(
                self._random.randrange(len(pieces) + 1),
                self._random.choice(
                    [
                        b"--" + boundary,
                        b"\n--" + boundary,
                        b"\r\r\n--" + boundary,
                        b"\r\n--" + boundary[:-1],
                        *(b"\r\n--" + boundary + end for end in (b"", b"y", b" ", b"-", b"\r")),
                    ]
                ),
            )
        if self._odd(0.03):
            pieces.append(
                b'--in\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--in--\r\n'
            )
        return b"".join(pieces)
