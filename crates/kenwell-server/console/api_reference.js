// Every call of the API, as its description has it.
import { get } from './api.js';
import { linkButton } from './controls.js';
import { h } from './dom.js';
import { prose } from './notice.js';
import { row, table } from './table.js';

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const COLUMNS = [{ title: 'Call' }, { title: 'What it does', isPlain: true }];

export async function apiReference(page) {
  page.root.append(page.title('API reference', linkButton('As OpenAPI', '/api/v1/openapi.json', 'quiet')),
    h('p', { class: 'hint' }, 'All that the console does is a call of this API. Programs send the admin key: ',
      h('code', {}, 'Authorization: Bearer …')));
  const { paths, components } = await get('/openapi.json', { signal: page.signal });
  const calls = Object.entries(paths).flatMap(([where, all]) => METHODS.filter((method) => all[method])
    .map((method) => ({ where, method, shared: all.parameters ?? [], ...all[method] })));
  for (const [tag, group] of Map.groupBy(calls, (call) => call.tags?.[0] ?? 'other')) {
    const { element, body } = table(`Calls: ${tag}`, COLUMNS);
    body.append(...group.map((call) => row(COLUMNS, [h('code', {}, `${call.method.toUpperCase()} ${call.where}`), about(call, components)])));
    page.root.append(h('section', { class: 'card calls' }, h('h2', {}, title(tag)), element));
  }
}

const title = (tag) => tag.charAt(0).toUpperCase() + tag.slice(1).replaceAll('-', ' ');

/** What a call does, what it takes, and the fields of its body. */
function about(call, components) {
  const parameters = [...call.shared, ...call.parameters ?? []];
  const body = schemaOf(call.requestBody?.content?.['application/json']?.schema, components);
  const takes = [...parameters.map((one) => [one.name, one.description]), ...Object.entries(body?.properties ?? {}).map(([name, one]) => [name, one.description])];
  return h('div', { class: 'stack' }, h('div', {}, h('strong', {}, call.summary ?? ''),
    call.description ? h('p', {}, prose(call.description)) : null),
  takes.length === 0 ? null : h('details', { class: 'quiet' }, h('summary', {}, 'What it takes'),
    h('dl', { class: 'takes' }, takes.map(([name, text]) => h('div', {}, h('dt', {}, h('code', {}, name)), h('dd', {}, prose(text ?? '')))))));
}

function schemaOf(schema, components) {
  const name = schema?.$ref?.split('/').at(-1);
  return name ? components?.schemas?.[name] : schema;
}
