"""The pages of this floor: the landing page, and what a card's QR opens until there is more.

Plain text in HTML: no script, no form, nothing loaded. The PIN in the fragment of a QR's address
never leaves the phone.
"""

from base64 import b64encode
from hashlib import sha256
from html import escape
from string import Template

from litestar import MediaType, Response, get

from api.guards import WithRuntime

STYLE = """
:root { color-scheme: light dark; font: 1rem/1.6 system-ui, sans-serif; }
body { max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font-family: ui-monospace, monospace; background: #8882; border-radius: .3rem; }
code { padding: .1rem .3rem; overflow-wrap: anywhere; }
pre { padding: .8rem; overflow-x: auto; }
h1 { line-height: 1.25; }
dt { font-weight: 600; margin-top: .6rem; }
"""

_STYLE_HASH = b64encode(sha256(STYLE.encode()).digest()).decode()
PAGE_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; "
    "form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)

_PAGE = Template(
    """<!doctype html>
<html lang="$lang">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>$title</title>
<style>$style</style>
</head>
<body>
$body
</body>
</html>
"""
)

_CARD = Template(
    """<main>
<section lang="zh">
<h1>用充值卡给电费户号充值</h1>
<p>刮开涂层，取得 18 位密码。请勿把密码告诉任何人。</p>
<dl>
<dt>短信</dt>
<dd>编辑短信 <code>CZ 户号 密码</code> 发送到卡背面所印的短信号码，例如
<code>CZ 4200001234 680419129695212192</code>。充值结果将以短信回复。</dd>
<dt>电话</dt>
<dd>拨打卡背面所印的充值电话，按语音提示操作：先按 1 充值，再输入户号和密码，均以 # 结束。</dd>
<dt>帮助</dt>
<dd>短信发送 <code>BZ</code>，或拨打 $hotline。</dd>
</dl>
</section>
<section lang="en">
<h1>Top up an electricity account with this card</h1>
<p>Scratch the card to see its 18-digit PIN. Tell the PIN to nobody.</p>
<dl>
<dt>By text message</dt>
<dd>Send <code>TOPUP account PIN</code> to the number printed on the back of the card, for example
<code>TOPUP 4200001234 680419129695212192</code>. The result comes as a text message.</dd>
<dt>By phone</dt>
<dd>Call the recharge number printed on the back of the card and follow the voice: press 1 to
recharge, then enter the account number and the PIN, each followed by #.</dd>
<dt>Help</dt>
<dd>Send <code>HELP</code> as a text message, or call $hotline.</dd>
</dl>
</section>
</main>"""
)

_LANDING = Template(
    """<main>
<h1>Wanneng · 万能充</h1>
<p>Prepaid recharge cards, redeemed into electricity accounts exactly once.<br>
充值卡平台：一卡一次，充入电费户号。</p>
<dl>
<dt>Holders of a card · 持卡用户</dt>
<dd><a href="/c">How to redeem a card · 如何充值</a></dd>
<dt>Developers · 开发者</dt>
<dd><a href="/schema">The API, with examples</a> · <a href="/schema/openapi.json">OpenAPI</a></dd>
<dt>Operators · 运维</dt>
<dd><a href="/health/live">live</a> · <a href="/health/ready">ready</a> ·
<a href="/metrics">metrics</a></dd>
</dl>
<p>A redemption over the JSON API · 接口充值示例:</p>
<pre>curl -sS $url/api/v1/redemptions \\
  -H "Authorization: Bearer $$PARTNER_KEY" -H "Idempotency-Key: first-1" \\
  -H "Content-Type: application/json" \\
  --data '{"pin": "680419 129695 212192", "account_number": "4200001234"}'</pre>
</main>"""
)


def html(body: str, title: str, lang: str = "en") -> Response[str]:
    """Return a page around trusted HTML."""
    text = _PAGE.substitute(lang=lang, title=escape(title), style=STYLE, body=body)
    headers = {"Content-Security-Policy": PAGE_POLICY, "Cache-Control": "no-cache"}
    return Response(text, media_type=MediaType.HTML, headers=headers)


@get("/", include_in_schema=False)
async def landing(runtime: WithRuntime) -> Response[str]:
    """Say what this is and where to go."""
    body = _LANDING.substitute(url=escape(runtime.settings.public_url.rstrip("/")))
    return html(body, "Wanneng · 万能充")


@get("/c", include_in_schema=False)
async def card_page(runtime: WithRuntime) -> Response[str]:
    """Tell the holder of a card how to redeem it by text and phone, in both languages."""
    body = _CARD.substitute(hotline=escape(runtime.settings.hotline))
    return html(body, "充值卡 · Recharge card", "zh")
