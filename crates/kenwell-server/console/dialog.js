// Asking before something is done that cannot be undone.
import { freshId, h } from './dom.js';
import { button } from './controls.js';

/**
 * Asks in a dialog and resolves to true when the person agrees. Escape, the backdrop, "Cancel" and going to another page mean
 * no; "Cancel" has the focus, so that a stray Enter does no harm.
 */
export function confirmed({ title, text, action, kind = 'danger' }) {
  return new Promise((resolve) => {
    const titleId = freshId('title');
    const textId = freshId('text');
    const refuse = () => dialog.close('no');
    const cancel = button('Cancel', refuse);
    const dialog = h('dialog', { class: 'dialog', 'aria-labelledby': titleId, 'aria-describedby': textId },
      h('h2', { id: titleId }, title),
      h('div', { id: textId, class: 'stack' }, [text].flat().map((line) => h('p', {}, line))),
      h('div', { class: 'actions end' }, cancel, button(action, () => dialog.close('yes'), { kind })));
    window.addEventListener('hashchange', refuse);
    dialog.addEventListener('close', () => {
      window.removeEventListener('hashchange', refuse);
      dialog.remove();
      resolve(dialog.returnValue === 'yes');
    });
    dialog.addEventListener('click', (event) => { if (event.target === dialog) refuse(); });
    document.body.append(dialog);
    dialog.showModal();
    cancel.focus();
  });
}
