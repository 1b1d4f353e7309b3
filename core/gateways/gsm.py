"""The GSM 7-bit alphabet (3GPP TS 23.038), basic table and extension. Pure."""

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")


def is_gsm(text: str) -> bool:
    """Tell whether a text can go out in the GSM alphabet; otherwise it needs UCS-2."""
    return all(sign in _BASIC or sign in _EXTENSION for sign in text)
