// Logical properties only, so that right-to-left mirrors; light-dark() follows color-scheme.
export default `
:host{--bg:light-dark(#fff,#16171c);--fg:light-dark(#14171d,#eef0f4);--muted:light-dark(#5a6170,#a6acb9);
--soft:light-dark(#f1f2f6,#24262e);--line:light-dark(#e2e4ea,#363944);
--q:clamp(0,(y - .1833)*9999,1);--deep:color-mix(in oklab,var(--brand),color(from var(--brand) xyz-d65 var(--q) var(--q) var(--q)) 24%);
--accent:light-dark(oklch(from var(--brand) min(l,.5) c h),oklch(from var(--brand) max(l,.8) min(c,.12) h));
--tint:color-mix(in srgb,var(--accent) 10%,transparent);--face:linear-gradient(130deg,var(--brand),var(--deep))}
.panel,.panel *{box-sizing:border-box;margin:0}
[hidden],.panel :is(.day,.bubble,.choices):empty{display:none!important}
.panel{position:absolute;inset-block-end:72px;inset-inline-end:0;inline-size:min(400px,100vw - 40px);block-size:min(704px,100dvh - 112px);
display:flex;flex-direction:column;overflow:hidden;overflow-wrap:anywhere;border-radius:20px;outline:1px solid var(--line);
color:var(--fg);background:var(--bg);box-shadow:0 24px 60px -12px #0005,0 8px 20px -8px #0003;
visibility:hidden;opacity:0;translate:0 14px;transition:.2s,visibility 0s .2s}
:host([open]) .panel{visibility:visible;opacity:1;translate:none;transition:.2s,visibility 0s}
@starting-style{:host([open]) .panel{opacity:0;translate:0 14px}}
:host([data-position=start]) .panel{inset-inline:0 auto}
:host([data-launcher=none]) .panel{inset-block-end:0}
:host([full][open]),:host([data-mode=page]){inset:0}
:host([full][open]) .panel,:host([data-mode=page]) .panel{inset:0;inline-size:100%;block-size:var(--view,100%);border-radius:0}
:host([full][open]) .launcher,:host([data-mode=page]) :is(.launcher,.close){display:none}
:host([data-mode=page]) .panel>*{padding-inline:max(16px,50% - 380px)}
button{font:inherit;color:inherit;background:none;border:1px solid #0000;cursor:pointer}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}

.head{display:flex;align-items:center;gap:12px;padding:14px 16px;color:var(--ink);background:var(--face)}
.head>div{flex:1;font-size:13px;line-height:1.35}
h1,h2{font-size:16px;font-weight:650}
.close{display:grid;padding:9px;border-radius:12px;outline-color:currentColor!important}
.close:hover{background:#0003}
.face{flex:none;display:grid;place-items:center;inline-size:28px;block-size:28px;border-radius:50%;font-size:11px;font-weight:700;color:var(--ink);background:var(--face)}
.face svg{inline-size:60%;fill:currentColor;stroke:none}
.head .face{inline-size:40px;block-size:40px;font-size:14px;background:color-mix(in srgb,var(--ink) 20%,transparent)}
.staff .face{color:#fff;background:#0f766e}
.banner:not(:empty){padding-block:8px;font-size:13px;text-align:center;color:light-dark(#713f06,#fde6b3);background:light-dark(#fdf1d3,#46350f)}

.scroll{flex:1;min-block-size:0;overflow-y:auto;overscroll-behavior:contain;scrollbar-width:thin;scrollbar-color:var(--line) #0000;
display:flex;flex-direction:column;padding:0 16px 10px;outline-offset:-3px!important}
.hello{margin:auto;padding:12px 12px 32px;text-align:center;color:var(--muted);text-wrap:balance}
.hello .face{inline-size:60px;block-size:60px;margin:0 auto 16px;border-radius:20px;box-shadow:0 10px 24px -8px var(--brand)}
.hello h3{margin-block-end:6px;font-size:22px;font-weight:680;color:var(--fg)}
.msg{display:grid;grid-template-columns:36px minmax(0,1fr);margin-block-start:14px}
.msg.more{margin-block-start:4px}
.more>.face{visibility:hidden}
.fresh{animation:rise .2s} @keyframes rise{0%{opacity:0;translate:0 8px}}
.day{grid-column:1/-1;justify-self:center;margin-block-end:12px;font-size:12px;color:var(--muted)}
.body{grid-column:2;display:flex;flex-direction:column;align-items:flex-start;padding-inline-end:28px;max-inline-size:600px}
.who{display:flex;flex-wrap:wrap;align-items:center;gap:2px 6px;margin-block-end:4px;font-size:13px;font-weight:600}
.tag{padding:0 6px;border-radius:6px;font-size:11px;line-height:18px;color:var(--accent);background:var(--tint)}
.bubble{padding:9px 14px;border-radius:18px;border-start-start-radius:6px;background:var(--soft);max-inline-size:100%}
.staff .bubble{background:light-dark(#e4f3f0,#173733)}
.customer .body{grid-column:1/-1;justify-self:end;align-items:flex-end;padding-inline:44px 0}
.customer .bubble{color:var(--ink);background:var(--brand);border-start-start-radius:18px;border-end-end-radius:6px}
.plain{white-space:pre-wrap}
.meta{margin:4px 4px 0;font-size:12px;color:var(--muted)}
.msg:has(+.more:not(.failed)) .meta:not(:has(button)),.live .meta,.system :is(.who,.meta),:is(.customer,.system)>.face{display:none}
.meta button{min-block-size:24px;font-weight:600;color:var(--accent);text-decoration:underline}
.failed .meta{color:light-dark(#b3161f,#ff9ea1)}
.system .body{grid-column:1/-1;justify-self:center;align-items:center;padding:0}
.system .bubble{padding:4px 14px;border-radius:14px;font-size:13px;color:var(--muted);text-align:center}
.choices{display:flex;flex-wrap:wrap;gap:8px;margin-block-start:8px}
.choices button{min-block-size:40px;padding:6px 16px;border-color:currentColor;border-radius:20px;font-weight:600;color:var(--accent);text-align:start}
.choices button:hover{background:var(--tint)}
.choices button:disabled{color:var(--muted);border-color:var(--line);background:none;cursor:default}
.choices small{display:block;font-weight:400;color:var(--muted)}
.choices .picked:disabled{color:var(--fg);background:var(--soft)}
.picked::before{content:"✓ "/""}
.hid,.customer .who,.more.staff .who{position:absolute;inline-size:1px;block-size:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.dots{display:flex;gap:4px;padding-block:7px}
i{inline-size:7px;block-size:7px;border-radius:50%;background:var(--muted);animation:dot 1.2s infinite} i+i{animation-delay:.15s} i+i+i{animation-delay:.3s}
@keyframes dot{0%,60%,100%{opacity:.4}30%{translate:0 -4px}}
.text::after{content:"";display:inline-block;inline-size:2px;block-size:1em;margin-inline-start:2px;vertical-align:-2px;background:currentColor;animation:blink 1s steps(2) infinite}
@keyframes blink{50%{opacity:0}}
.earlier,.newest{align-self:center;min-block-size:32px;padding:4px 14px;border-radius:16px;font-size:13px;font-weight:600;color:var(--accent)}
.panel .newest{position:absolute;inset-block-end:100%;inset-inline:0;inline-size:fit-content;margin:0 auto 8px;color:var(--fg);background:var(--bg);box-shadow:0 2px 14px #0004}

.bubble>*+*{margin-block-start:8px}
.bubble h3{font-size:1em}
:is(ul,ol){padding-inline-start:20px}
.bubble a{color:inherit;text-underline-offset:2px}
blockquote{padding-inline-start:10px;border-inline-start:3px solid var(--muted)}
code{font:.9em ui-monospace,monospace}
code,pre{padding:1px 5px;border-radius:5px;background:#8882}
pre{padding:10px 12px;white-space:pre-wrap} pre code{padding:0;background:none}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:.93em;overflow-wrap:normal}
th,td{padding:5px 10px;border:1px solid #8886;text-align:start}

.foot{position:relative;padding:8px 12px max(10px,env(safe-area-inset-bottom))}
form{display:flex;align-items:flex-end;padding:4px;border:1.5px solid light-dark(#868c98,#6d7381);border-radius:24px;transition:.15s}
form:focus-within{border-color:var(--accent);box-shadow:0 0 0 3px var(--tint)}
textarea{flex:1;min-inline-size:0;max-block-size:136px;padding-block:7px;padding-inline:12px 6px;border:0;outline:0!important;resize:none;font:inherit;color:inherit;background:none}
:host([full]) textarea{font-size:16px}
::placeholder{color:var(--muted);opacity:1}
.send{display:grid;padding:7px;border-radius:50%;color:var(--ink);background:var(--brand);transition:.15s}
:is(.close,.send) svg{inline-size:20px}
.send[aria-disabled=true]{color:var(--muted);background:var(--soft)}
.person{display:flex;align-items:center;gap:6px;margin:4px auto 0!important;min-block-size:32px;padding:2px 12px;border-radius:16px;font-size:13px;color:var(--muted)}
.person:hover{color:var(--fg);background:var(--soft)}
.person svg{inline-size:16px}
@media (forced-colors:active){.bubble,.face,.tag,.panel button,form{border:1px solid}}
@media (prefers-reduced-motion){.panel,.panel *,.text::after{animation:none!important;transition:none!important}}
`;
