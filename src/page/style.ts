/**
 * The style of the report and of the playground: one column of text, figures side by side where there is room, dark
 * where the reader asks for it, by the system or by `data-theme`.
 */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --ink: light-dark(#1a1a1a, #e4e4e4); --paper: light-dark(#fff, #16181a);
  --faint: light-dark(#5c5c5c, #a4a8ac); --line: light-dark(#d4d4d4, #3d4145); --tint: light-dark(#f5f6f7, #202326);
  --link: light-dark(#0b57a4, #8ab8ee); --track: light-dark(#e4e4e4, #33373b); }
:root[data-theme="light"] { color-scheme: light; }
:root[data-theme="dark"] { color-scheme: dark; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 78rem; padding: 0 1rem 4rem; background: var(--paper); color: var(--ink);
  font: 15px/1.45 system-ui, "DejaVu Sans", Verdana, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 1.5rem 0 .3rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .6rem; padding-top: .6rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.5rem 0 .4rem; }
h4 { font-size: .95rem; font-weight: 600; margin: 1rem 0 .4rem; }
p, ul { max-width: 46rem; margin: .4rem 0; }
a { color: var(--link); }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 1rem; top: .5rem; padding: .4rem .8rem; background: var(--paper); z-index: 1; }
nav ol { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; list-style: none; margin: .8rem 0; padding: 0; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
.scroll { overflow-x: auto; max-width: 100%; margin: .5rem 0; }
table { border-collapse: collapse; font-size: .87rem; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
caption { text-align: left; color: var(--faint); padding-bottom: .3rem; }
th, td { padding: .16rem .7rem .16rem 0; text-align: right; vertical-align: baseline; border-bottom: 1px solid var(--line);
  unicode-bidi: isolate; }
thead th { font-weight: 600; border-bottom-color: var(--faint); white-space: nowrap; }
tbody th { font-weight: 400; white-space: nowrap; }
tr > :first-child, .text td, .text th { text-align: left; }
.text td, .text tbody th { max-width: 30rem; white-space: normal; overflow-wrap: break-word; }
.panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 21.5rem), 1fr)); gap: .8rem; align-items: start; }
figure { margin: 0; min-width: 0; }
.wide { grid-template-columns: repeat(auto-fill, minmax(min(100%, 42rem), 1fr)); }
.beside { display: flex; flex-wrap: wrap; gap: 0 3rem; align-items: start; }
.beside > * { min-width: 0; }
.plot { overflow-x: auto; background: #fff; border: 1px solid var(--line); line-height: 0; color-scheme: light; }
.plot img, .plot svg { max-width: none; }
.missing { margin: 0; padding: .8rem; border: 1px dashed var(--line); color: var(--faint); }
details { margin: .25rem 0; }
dl { font-size: .87rem; }
dd { margin: 0 0 .3rem 1rem; }
summary { cursor: pointer; color: var(--link); font-size: .9rem; }
.pictures { display: flex; flex-wrap: wrap; gap: .8rem; }
.pictures figure { width: clamp(9rem, calc(50% - .4rem), 16rem); }
.pictures img { display: block; width: 100%; height: auto; }
figcaption { font-size: .87rem; color: var(--faint); padding: .2rem 0; }
.head-map figcaption span { display: block; }
.labels, .map .tip { fill: var(--ink); }
.map, .legend svg { display: block; }
.map text { pointer-events: none; }
.map .cell:focus { outline: none; }
.map .cell:focus-visible > rect:first-child { stroke: var(--link); stroke-width: 3; }
.map .cell:is(:hover, :focus) .tip { display: inline; }
.map:has(.cell:hover) .cell:focus:not(:hover) .tip { display: none; }
.legend p, .effect p, .card p { margin: .2rem 0; font-size: .87rem; }
.effect > svg { overflow: visible; display: block; }
.key { list-style: none; margin: .2rem 0; padding: 0; font-size: .87rem; }
.note { border-left: 3px solid var(--link); background: var(--tint); padding: .4rem .8rem; }
.track { fill: var(--track); }
.answers { margin-bottom: .6rem; }
.answers .before { fill: var(--ink); }
.answers td { border: 0; padding-right: .5rem; text-align: left; }
.answers th { border: 0; padding-right: .6rem; }
.answers svg { display: block; }
.faint { color: var(--faint); }
.tokens { display: flex; flex-wrap: wrap; gap: .25rem; list-style: none; margin: .4rem 0; padding: 0; }
.tokens button, .tokens span { font: inherit; font-size: .87rem; color: inherit; background: var(--tint); border: 1px solid var(--line);
  border-radius: .25rem; padding: .1rem .4rem; min-height: 1.6rem; display: block; }
.tokens button { cursor: pointer; }
.tokens [aria-pressed="true"], .tokens .chosen { border-color: var(--link); outline: 1px solid var(--link); }
.card { border: 1px solid var(--line); border-radius: .4rem; padding: .6rem .8rem; min-width: 0; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 21.5rem), 1fr)); gap: .8rem; align-items: start; }
.card .panels { grid-template-columns: repeat(auto-fill, minmax(min(100%, 18rem), 1fr)); margin-top: .6rem; }
.overlay .pictures { flex-wrap: nowrap; gap: .4rem; margin-bottom: .4rem; }
.overlay .pictures img { width: calc(50% - .2rem); max-width: 13rem; }
.finding { font-size: 1.05rem; max-width: 60rem; }
.section { border-top: 1px solid var(--line); }
.section > summary { padding: .5rem 0; }
.section > summary h2 { display: inline; border: 0; margin: 0; padding: 0; color: var(--link); }
.card h3 { margin: 0 0 .3rem; }
.card dl { margin: 0; font-size: .87rem; max-width: 40rem; }
.card dl div { display: flex; justify-content: space-between; gap: 1rem; border-bottom: 1px solid var(--line); }
.card dd { margin: 0; font-variant-numeric: tabular-nums; text-align: right; }
.caution { color: var(--faint); font-size: .87rem; }
.term { display: inline; font: inherit; color: inherit; background: none; border: 0; padding: 0; min-height: 0; cursor: help;
  text-decoration: underline dotted; }
.meaning[popover] { max-width: 22rem; padding: .5rem .8rem; background: var(--tint); color: var(--ink); border: 1px solid var(--link);
  font-size: .9rem; position-area: bottom; margin: .2rem; }
#vg-tooltip-element { position: fixed; visibility: hidden; z-index: 2; padding: .3rem .5rem; pointer-events: none; max-width: 24rem;
  font-size: .85rem; background: var(--paper); color: var(--ink); border: 1px solid var(--faint); }
#vg-tooltip-element.visible { visibility: visible; }
#vg-tooltip-element td { border: 0; text-align: left; padding: 0 .4rem 0 0; }
#vg-tooltip-element td.key { color: var(--faint); }
#vg-tooltip-element td.value:empty { display: none; }
@media print {
  nav, .skip, summary { display: none; }
  body { max-width: none; font-size: 10pt; padding: 0; }
  .scroll, .plot { overflow: visible; }
  figure, tr { break-inside: avoid; }
  h2, h3, h4 { break-after: avoid; }
}
`;
