"""How the page looks, and the little of it that runs in the browser: strings of CSS and JavaScript."""

from __future__ import annotations

# A click on a citation is told to Python, with the place of its answer in the chat; with a modifier key the browser opens the link
# itself. Each cable that is opened is an address of its own, so that Back leads from it.
LINKS = """
element.addEventListener('click', (event) => {
  const link = event.target.closest('a.cite');
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  const clicked = {href: link.getAttribute('href'), turn: link.closest('.turn')?.dataset.turn};
  history[clicked.href === location.search ? 'replaceState' : 'pushState'](clicked, '', clicked.href);
  trigger('click', clicked);
});
"""
# Back opens the cable that was open before. One that closes, for a new question, leaves the address.
BACK = """
window.addEventListener('popstate', (event) => trigger('click', {turn: event.state?.turn, href: location.search}));
watch('value', () => {
  if (!props.value && location.search.includes('cable=')) history.pushState(null, '', location.pathname);
});
"""
SCROLL = """() => setTimeout(() => {
  const target = document.querySelector('#cable .target') || document.querySelector('#cable .abstained, #cable h2');
  if (target) { target.scrollIntoView({block: 'center'}); target.focus({preventScroll: true}); }
}, 120)"""
# Where chat and evidence stand side by side, the evidence of a new answer is shown from its top, unless a cable is read meanwhile.
TO_EVIDENCE = """() => setTimeout(() => {
  const evidence = document.querySelector('#evidence');
  const above = evidence.getBoundingClientRect().top < 0;
  if (above && innerWidth >= 1000 && !document.querySelector('#cable article')) evidence.scrollIntoView();
}, 120)"""
# The chat scrolls by itself where it stands beside the evidence: the last question is in view.
TO_LAST = """() => setTimeout(() => {
  const chat = document.querySelector('#chat'), turns = chat.querySelectorAll('.turn');
  if (turns.length) chat.scrollTop = turns[turns.length - 1].offsetTop - chat.offsetTop;
}, 60)"""
# Each tab keeps its own conversation, and a reload does not lose it.
KEEP = "(text) => sessionStorage.setItem('cable-qa-conversation', text)"
KEPT = "() => sessionStorage.getItem('cable-qa-conversation') || ''"
CSS = """
.gradio-container { --body-text-color-subdued: #52525b; }
.dark .gradio-container { --body-text-color-subdued: #b4b4bd; }
.gradio-container { max-width: 1500px !important; overflow: visible !important; }
#chat, #evidence, #cable { overflow-wrap: anywhere; line-height: 1.55; }
#chat .question { font-weight: 600; margin: 1.2rem 0 .4rem; padding-left: .8rem; border-left: 3px solid var(--color-accent); }
#chat .answer p { margin: .5rem 0; }
.hint, .note, .waiting { color: var(--body-text-color-subdued); }
.abstained { border-left: 3px solid var(--body-text-color-subdued); padding-left: .8rem; }
.caution { border-left: 3px solid #d97706; padding-left: .8rem; }
.verdict { color: var(--error-text-color, #b91c1c); }
a.cite { display: inline-block; padding: 0 .5rem; border: 1px solid var(--border-color-primary); border-radius: 1rem;
  font-size: .85em; text-decoration: none; color: var(--body-text-color); background: var(--background-fill-secondary); }
a.cite:hover { border-color: var(--color-accent); }
a.cite:focus-visible, button:focus-visible, textarea:focus-visible, input:focus-visible { outline: 3px solid var(--color-accent); outline-offset: 2px; }
.card { border: 1px solid var(--border-color-primary); border-radius: .6rem; padding: .8rem 1rem; margin: .7rem 0; }
.card header { display: flex; flex-wrap: wrap; gap: .3rem .7rem; align-items: center; font-size: .9em; color: var(--body-text-color-subdued); }
.card header strong { flex-basis: 100%; color: var(--body-text-color); }
.card p, .cable p { font-family: Georgia, 'Times New Roman', serif; white-space: pre-line; margin: .5rem 0; }
.card .heading { font-variant: small-caps; color: var(--body-text-color-subdued); }
#cable h2, #evidence h2 { font-size: 1.1rem; margin: .4rem 0; }
#cable h3 { font-size: .95rem; margin: 1.2rem 0 .3rem; color: var(--body-text-color-subdued); }
.fields { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .15rem .8rem; font-size: .85em; }
.fields dt { color: var(--body-text-color-subdued); } .fields dd { margin: 0; }
.paragraph { display: grid; grid-template-columns: minmax(3.4rem, max-content) minmax(0, 1fr); gap: .7rem; padding: .2rem .4rem; border-radius: .5rem; }
.paragraph .number { align-self: start; margin-top: .55rem; }
.target { background: var(--background-fill-secondary); outline: 2px solid var(--color-accent); }
#chat .short { font-size: 1.15rem; font-weight: 600; }
#evidence mark strong, #cable mark strong { color: inherit; }
mark strong { text-decoration: underline; text-decoration-thickness: 2px; text-underline-offset: 3px; }
mark { background: #fde68a; color: #1c1917; border-radius: .2rem; padding-block: .2em; }
.signature { letter-spacing: .1em; }
@media (min-width: 1000px) { #ask-side { position: sticky; top: .5rem; align-self: flex-start; max-height: 97vh; overflow: auto; flex-wrap: nowrap; }
  #chat { max-height: 62vh; overflow-y: auto !important; flex-shrink: 0; } }
@media (max-width: 700px) { .paragraph { grid-template-columns: minmax(0, 1fr); gap: 0; } .fields { grid-template-columns: minmax(0, 1fr); } }
"""
