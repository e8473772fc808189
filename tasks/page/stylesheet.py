"""The web page's style: one column, system fonts, colours of two themes that all reach a contrast of 4.5 to 1."""

STYLE = """
:root {
  color-scheme: light dark;
  --ground: #fbfbfa; --card: #ffffff; --text: #1c1e21; --quiet: #565b63; --line: #dcdee2; --link: #00558c;
  --good: #11643a; --good-ground: #e8f5ed; --bad: #93400a; --bad-ground: #fdf0e3; --code: #f0f1f3;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #15171a; --card: #1e2125; --text: #e6e7e9; --quiet: #a6abb3; --line: #363b42; --link: #7cc0f5;
    --good: #58c98c; --good-ground: #16281f; --bad: #f2a65e; --bad-ground: #2f2215; --code: #262a30;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--text);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", "DejaVu Sans", sans-serif;
}
main { max-width: 66rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; overflow-wrap: anywhere; }
h1 { font-size: 1.75rem; line-height: 1.25; margin: 0.5rem 0 1rem; }
h2 {
  font-size: 1.25rem; line-height: 1.3; margin: 2.75rem 0 0.75rem; padding-top: 0.75rem;
  border-top: 1px solid var(--line);
}
p, ul { margin: 0.75rem 0; max-width: 46rem; }
a { color: var(--link); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
.verdict { border-left: 5px solid; border-radius: 6px; padding: 0.75rem 1rem; max-width: none; }
.good { border-color: var(--good); background: var(--good-ground); }
.bad { border-color: var(--bad); background: var(--bad-ground); }
.good strong { color: var(--good); }
.bad strong { color: var(--bad); }
.facts { display: flex; flex-wrap: wrap; gap: 0.75rem; margin: 1rem 0; }
.facts div {
  flex: 1 1 9rem; background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  padding: 0.65rem 0.9rem;
}
.facts dt { color: var(--quiet); font-size: 0.875rem; }
.facts dd { margin: 0; }
.facts strong { display: block; font-size: 1.35rem; line-height: 1.35; white-space: nowrap; }
.facts span { color: var(--quiet); font-size: 0.875rem; line-height: 1.4; display: block; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: 0.35rem 1.1rem; padding: 0; max-width: none; }
nav a { text-decoration: none; font-size: 0.9375rem; }
nav a:hover { text-decoration: underline; }
.box { position: relative; overflow-x: auto; margin: 0.35rem 0 1.25rem; }
.tall { max-height: 36rem; overflow-y: auto; }
.tall thead th { position: sticky; top: 0; }
table { border-collapse: separate; border-spacing: 0; font-size: 0.9375rem; overflow-wrap: break-word; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.caption { color: var(--quiet); margin: 1.25rem 0 0; }
th, td {
  padding: 0.35rem 0.6rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line);
  max-width: 36rem; min-width: 3rem;
}
thead th {
  background: var(--ground); font-weight: 600; vertical-align: bottom; border-bottom-width: 2px; white-space: nowrap;
}
tbody th { font-weight: 600; min-width: 6rem; }
th:first-child, td:first-child { padding-left: 0.25rem; }
.long tbody th { min-width: min(18rem, 45vw); }
.r { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
code, pre { font-family: ui-monospace, "SF Mono", Consolas, "Liberation Mono", "DejaVu Sans Mono", monospace; }
code { font-size: 0.875em; background: var(--code); border-radius: 4px; padding: 0.1em 0.3em; }
pre { background: var(--code); border-radius: 8px; padding: 0.75rem 1rem; overflow-x: auto; }
pre code { background: none; padding: 0; }
figure { margin: 1.5rem 0; }
figcaption { color: var(--quiet); margin-bottom: 0.5rem; max-width: 46rem; }
.card {
  background: #ffffff; border: 1px solid var(--line); border-radius: 8px; padding: 0.5rem; overflow-x: auto;
  width: fit-content; max-width: 100%;
}
img { display: block; max-width: 100%; height: auto; }
@media (max-width: 40rem) {
  main { padding: 0.75rem 1rem 3rem; }
  h1 { font-size: 1.4rem; }
  .facts { gap: 0.5rem; }
  .facts div { flex-basis: 8.5rem; }
  .facts strong { font-size: 1.2rem; }
  .wide img { max-width: none; width: 40rem; }
  table { font-size: 0.875rem; }
  th, td { padding: 0.3rem 0.45rem; }
  nav a { display: inline-block; padding: 0.25rem 0; }
}
@media print {
  .tall { max-height: none; }
  nav { display: none; }
  figure, tr { break-inside: avoid; }
}
"""
