// What became of the fields that a live event names, in lines.

/** Lists of the answer, and what they are called here. */
const KINDS = [
  ['written', 'Written'],
  ['left_alone', 'Left alone, older than what is stored'],
  ['removed', 'Removed'],
];

/** A line for each kind that there is: `Written (2): n, plan`. Names only; they are no personal values. */
export function changesText(fields) {
  const lines = KINDS.map(([kind, title]) => [title, fields[kind]]);
  return lines.filter(([, { count }]) => count > 0).map(([title, { count, names }]) => {
    const more = names.length < count ? [`… and ${count - names.length} more`] : [];
    return `${title} (${count}): ${[...names, ...more].join(', ')}`;
  }).join('\n');
}

/** One sentence about an event that was written. */
export function changesSentence(fields) {
  if (!fields) return 'Written to the user\'s profile.';
  const { written, left_alone: left, removed } = fields;
  if (written.count > 0 || removed.count > 0) {
    return left.count > 0 ? 'Written, but for what is older than what is stored.' : 'Written to the user\'s profile.';
  }
  return left.count > 0 ? 'Older than what is stored: it changed nothing.' : 'It changed nothing: there was nothing to remove.';
}
