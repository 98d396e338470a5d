"""Profile pictures: initials on a colour that belongs to the name."""

from html import escape

SHADES = ("#2e7d8c", "#a8451f", "#6b4fa0", "#2b7a4b", "#b03a66", "#8a6d1d", "#3a5fa8", "#7a4b3a")


def shade(name: str) -> str:
    """The same for a name everywhere; the page computes it the same way."""
    return SHADES[sum(map(ord, name)) % len(SHADES)]


def portrait(name: str) -> str:
    initials = "".join(word[0] for word in name.split()[:2]).upper()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 72 72"><rect width="72" height="72" fill="{shade(name)}"/>'
        f'<text x="36" y="47" font-family="sans-serif" font-size="30" font-weight="700" fill="#fff" '
        f'text-anchor="middle">{escape(initials)}</text></svg>'
    )
