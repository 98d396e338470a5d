"""How Twilio signs a webhook: https://www.twilio.com/docs/usage/security#validating-requests"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit


def signature(token: str, url: str, fields: Mapping[str, str]) -> str:
    """HMAC-SHA1 over the address without its fragment and the fields in the order of their names."""
    signed = urlunsplit(urlsplit(url)._replace(fragment="")) + "".join(name + fields[name] for name in sorted(fields))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()
