// Keeping what a page shows of the configuration up to date, without throwing away what somebody is typing.
import { onChange } from './configuration.js';
import { busy, button } from './controls.js';
import { h } from './dom.js';
import { box, toast } from './notice.js';
import { newest } from './poll.js';

/**
 * Shows in `place` what `ask(signal)` resolves to, again when `revisionOf(answer)` becomes another one, or what `othersOf(answer)`
 * says of the rest of the file; where it does not, what was found or chosen there stays. Where something was typed that is of
 * another revision, it says so and leaves the choice to the person. `show(answer, signal)` gets a signal that ends with what it
 * shows. Gives back `put(answer)`, which shows and keeps the focus where it was; `adopt(answer)`, after which what stands there is
 * of this answer's revision; `follow()`, which looks whether there is something newer; and `reload()`, which asks on request.
 */
export function keepFresh(page, place, { ask, show, revisionOf, othersOf = () => null }) {
  let isTouched = false;
  let revision = null;
  let others = null;
  let shown = new AbortController();
  /** How often something was shown, adopted, or asked for on request: what was asked for earlier is older. */
  let turn = 0;
  place.addEventListener('input', () => { isTouched = true; });

  function adopt(answer) {
    turn += 1;
    revision = revisionOf(answer);
    others = othersOf(answer);
    place.querySelector('.stale')?.remove();
  }

  function put(answer) {
    const focused = place.contains(document.activeElement) ? document.activeElement : null;
    adopt(answer);
    shown.abort();
    shown = new AbortController();
    show(answer, AbortSignal.any([page.signal, shown.signal]));
    isTouched = false;
    if (focused && focused !== document.activeElement) (focused.isConnected ? focused : twin(place, focused))?.focus();
  }

  const load = newest(page.signal, ask, put);
  const reload = () => {
    turn += 1;
    return load();
  };

  async function look() {
    const before = turn;
    const answer = await ask(page.signal);
    if (before !== turn) return;
    const isOther = revisionOf(answer) !== revision;
    if (!isTouched && (isOther || othersOf(answer) !== others)) put(answer);
    else if (isTouched && isOther && !place.querySelector('.stale')) place.prepend(stale(reload));
  }

  // What goes wrong is said by the next change of the file, or by saving.
  const follow = () => look().catch(() => {});
  onChange(page.signal, follow);
  return { put, adopt, follow, reload };
}

function stale(reload) {
  return h('div', { class: 'stale', role: 'status' }, box('warn',
    h('p', {}, 'This has been changed meanwhile, here or in the file. What stands below is out of date, and saving it is refused.'),
    h('div', { class: 'actions' }, button('Load again', (event) => busy(event.currentTarget, reload, (error) => toast(error.message)), { kind: 'small' }))));
}

/** The element that now stands for one that was replaced: the same control, or else the place's heading. */
function twin(place, old) {
  const same = old.name
    ? place.querySelector(`${old.localName}[name="${CSS.escape(old.name)}"]`)
    : [...place.querySelectorAll(old.localName)].find((element) => element.textContent === old.textContent);
  return same ?? place.querySelector('button, h2');
}
