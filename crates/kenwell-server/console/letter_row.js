// One dead letter: a line, and inside it the error, the event, and what can be done.
import { button } from './controls.js';
import { fill, h, say } from './dom.js';
import { HIDDEN, jsonText, userText } from './personal.js';
import { time } from './time.js';

/** `actions`: `{ retry(event), discard(event) }`. Personal values are hidden until somebody asks. */
export function letterRow(letter, actions) {
  let masked = true;
  const user = h('span', { class: 'user' });
  const code = h('code');
  const body = h('div', { class: 'body' });
  const details = h('details', { ontoggle: () => { if (details.open && body.childElementCount === 0) open(); } },
    h('summary', {}, h('span', { class: 'at' }, time(letter.at)), user, h('span', { class: 'route' }, `from ${letter.source}`)), body);
  const mask = () => {
    say(user, userText(letter.user_id, { masked }));
    say(code, jsonText(letter.event, { masked }));
  };
  function open() {
    const reveal = button('Show personal values', () => {
      masked = !masked;
      say(reveal, masked ? 'Show personal values' : 'Hide personal values');
      reveal.setAttribute('aria-pressed', String(!masked));
      mask();
    }, { kind: 'small', 'aria-pressed': 'false' });
    fill(body,
      h('div', {}, h('h3', {}, 'Error'), h('p', {}, h('code', { class: 'reason' }, letter.error ?? letter.reason))),
      h('div', {}, h('h3', {}, 'Event'), h('pre', { tabindex: '0', role: 'region', 'aria-label': 'Event' }, code),
        h('p', { class: 'hint' }, `${HIDDEN} stands for a personal value.`)),
      h('div', { class: 'actions' }, button('Retry', actions.retry, { kind: 'small primary' }), reveal,
        button('Discard', actions.discard, { kind: 'small danger' })));
  }
  mask();
  return h('li', { class: 'event' }, details);
}
