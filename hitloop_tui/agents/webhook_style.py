"""The look of `webhook_page`: one column, dark or light, from a phone's width up."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --ground: #f6f7f9; --card: #fff; --text: #16181d; --soft: #5b6270;
  --line: #dfe3ea; --code: #f1f3f7; --yes: #11734b; --no: #b3261e; --warn: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --ground: #101216; --card: #181b21; --text: #e8eaee;
  --soft: #9aa3b2; --line: #2b303a; --code: #11141a; --yes: #4cc38a; --no: #f0766d;
  --warn: #e0b252; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
nav, main { max-width: 44rem; margin: auto; padding: 1rem; }
nav { padding-bottom: 0; }
nav a { color: var(--soft); }
article, li a { display: block; background: var(--card); border: 1px solid var(--line);
  border-radius: .75rem; padding: 1.25rem; }
article.yes { border-left: .4rem solid var(--yes); }
article.no { border-left: .4rem solid var(--no); }
h1 { font-size: 1.35rem; line-height: 1.3; margin: 0 0 .25rem; }
main > h1 { margin: .25rem 0 1rem; }
h2 { font-size: .85rem; color: var(--soft); font-weight: 600; margin: 1.25rem 0 .35rem; }
code, pre, footer { font-family: ui-monospace, monospace; }
pre { background: var(--code); border: 1px solid var(--line); border-radius: .5rem; margin: 0;
  padding: .75rem; font-size: .9rem; white-space: pre-wrap; }
blockquote { border-left: .2rem solid var(--line); margin: 0; padding-left: .75rem; }
blockquote p { margin: 0; }
.times, small, footer, .nothing { color: var(--soft); font-size: .85rem; }
.times { margin: 0; }
.warning { color: var(--warn); border: 1px solid; border-radius: .5rem; padding: .5rem .75rem; }
.risk { font: 600 .75rem/1 system-ui, sans-serif; border: 1px solid; border-radius: 1rem;
  padding: .3rem .6rem; white-space: nowrap; display: inline-block; vertical-align: middle; }
.low { color: var(--yes); } .medium { color: var(--warn); } .high { color: var(--no); }
ul { list-style: none; margin: 0; padding: 0; }
li { margin-bottom: .75rem; }
li a { color: inherit; text-decoration: none; }
li small { display: block; }
form { margin-top: 1.5rem; padding-top: 1.25rem; border-top: 1px solid var(--line); }
label { display: block; margin-bottom: .9rem; font-weight: 600; }
input { display: block; width: 100%; margin-top: .25rem; padding: .65rem .75rem; font: inherit;
  color: inherit; background: var(--card); border: 1px solid var(--soft); border-radius: .5rem; }
.verdicts { display: flex; gap: .75rem; }
button { flex: 1; min-height: 3rem; font: inherit; font-weight: 600; border-radius: .5rem;
  border: 1px solid var(--no); color: var(--no); background: transparent; cursor: pointer; }
button.yes { color: #fff; border-color: #11734b; background: #11734b; }
:focus-visible { outline: .2rem solid #3b82f6; outline-offset: .1rem; }
footer { margin-top: 1.25rem; }
"""
