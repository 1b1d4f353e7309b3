"""Inputs that no honest caller sends; none of them holds a PIN that could be one."""

_PIECES = (
    "\x00", "\x01\x02", "\x1b[31m", "\x7f", "\t", "\r\n", "\n\n200 result=1", "\u2028", "\u0085",
    "<Response><Hangup/></Response>", "]]>", "&amp;&#0;", "'\"<>&", "<!DOCTYPE x [<!ENTITY a>]>",
    "%00%n%s%d", "${jndi:x}", "{{7*7}}", "{tail}", "' OR 1=1 --", "../../etc", "\\u0000", "\\x00",
    "٤٢٢٥١٠", "४२२५", "①②③", "Ⅷ", "〇一二", "߁߂", "😀", "\ufffd", "\uffff", "\ufeff", "\u202e",
    "e\u0301\u0301", "ﷺ", "А", "1e18", "-1", "+1", "0x1F", "null", "NaN", "\x05\x00\x03\x07\xff",
)  # fmt: skip
_SHAPES = (
    "{0}", "{0}{1}", "{1}{0}", "{2}{0}{3}", "{0}{0}{0}", "{0}x{1}", "{1} {0} {1}", "{0}\n{1}",
    "{1}{1}{0}", "x{0}", "{2}{0}{3}{0}{2}", "{0}?{0}",
)  # fmt: skip
_SEVENTEEN = "12345678901234567"


def hostile() -> list[str]:
    """Return about 500 texts."""
    parts = (_SEVENTEEN, "123456789", "87654321")
    made = [shape.format(piece, *parts) for piece in _PIECES for shape in _SHAPES]
    more = ["9" * 19, "9" * 60, "9" * 5000, "x" * 5000, "<" * 3000, "\x00" * 3000, "中" * 3000]
    return made + more
