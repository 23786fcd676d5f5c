// What the JavaScript connection makes of a cluster's map, its redirections, and addresses that are other ones from here.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { AddressMap } = require('../lib/address-map');
const { addressesOf } = require('../lib/addresses');
const { ClusterTopology } = require('../lib/cluster-topology');
const { encode } = require('../lib/command-writer');
const { valueOf } = require('../lib/commands');
const { lost } = require('../lib/error');
const { KeyOrder } = require('../lib/key-order');
const { ErrorReply, Parser } = require('../lib/resp');
const { slotOf } = require('../lib/slot');
const { MAX_NODES, SlotMap, redirection } = require('../lib/slot-map');

const NONE = new AddressMap({});

/** A reply as the connection reads it: lists, numbers, and bytes for texts. */
function reply(value) {
  const bytes = (each) => {
    if (Array.isArray(each)) return Buffer.concat([Buffer.from(`*${each.length}\r\n`), ...each.map(bytes)]);
    if (each === null) return Buffer.from('$-1\r\n');
    return typeof each === 'number' ? Buffer.from(`:${each}\r\n`) : encode([[each]]).subarray(4);
  };
  let read;
  new Parser(() => 2 ** 20, valueOf).push(bytes(value), (found) => (read = found));
  return read;
}

test('keys have the slots that Redis gives them', () => {
  for (const [key, slot] of [['', 0], ['foo', 12182], ['user:1', 10778], ['{user}:1', 5474], ['a{user}{b}', 5474], ['123456789', 0x31c3], ['{}user', 12192], ['a{}{user}', 2834], ['{user', 9243], ['user}', 5858]]) {
    assert.equal(slotOf(key), slot, key);
    assert.equal(slotOf(Buffer.from(key)), slot, key);
  }
  // The first hash tag counts, also when it is empty: then it is none, as one that is open.
  assert.equal(slotOf('a{{b}}c'), slotOf('{b'));
});

test('a map is read, with the hosts that nodes say, or do not say', () => {
  const answer = reply([[0, 99, ['10.0.0.1', 1, 'id', []], ['10.0.0.4', 4, 'id']], [100, 16383, [null, 2, 'id']], [7, 7, ['::1', 3, 'id']]]);
  const map = SlotMap.read(answer, 'asked:9', new AddressMap({ '10.0.0.1': 'gate' }));
  assert.deepEqual([map.node(0), map.node(7), map.node(16383)], ['gate:1', '[::1]:3', 'asked:2']);
  assert.deepEqual(map.nodes, ['gate:1', 'asked:2', '[::1]:3', '10.0.0.4:4']);
  assert.deepEqual([map.uncovered([]), map.uncovered([50]), map.uncovered([50, 7, 200])], [[0, 7, 100], [7, 100], []]);
  map.moved(50, 'new:1');
  assert.deepEqual([map.node(50), map.node(51)], ['new:1', 'gate:1']);
  // A slot that nobody has is asked of anybody: the answer says what is wrong.
  const partial = SlotMap.read(reply([[0, 1, ['h', 1]]]), 'asked:9', NONE);
  assert.equal(partial.node(9000), 'h:1');
});

test('what is no map is none', () => {
  for (const answer of [5, [5], [[0]], [[0, 1]], [[1, 0, ['h', 1]]], [[0, 16384, ['h', 1]]], [[-1, 0, ['h', 1]]]]) assert.equal(SlotMap.read(reply(answer), 'a:1', NONE), null, JSON.stringify(answer));
  // Nodes whose address cannot be one are none.
  for (const node of [['', 0], ['h', 65536], ['a b', 1], ['h\n', 1], [5, 1], 5]) assert.ok(SlotMap.read(reply([[0, 1, node]]), 'a:1', NONE).isEmpty(), JSON.stringify(node));
  const many = (count) => reply(Array.from({ length: count }, (_, index) => [index, index, ['h', index + 1]]));
  assert.equal(SlotMap.read(many(MAX_NODES), 'a:1', NONE).nodes.length, MAX_NODES);
  assert.equal(SlotMap.read(many(MAX_NODES + 1), 'a:1', NONE), null);
});

test('a redirection leads to where it says', () => {
  for (const [text, address] of [['3999 127.0.0.1:6381', '127.0.0.1:6381'], ['3999 ::1:6381', '[::1]:6381'], ['3999 :6381', 'asked:6381'], ['3999 ?:6381', 'asked:6381']]) {
    assert.deepEqual(redirection(text, 'asked:1', NONE), { slot: 3999, address });
  }
  for (const text of ['', '3999', '16384 h:1', '-1 h:1', 'x h:1', '1 h', '1 h:0', '1 h:65536', '1 a b:1']) assert.equal(redirection(text, 'asked:1', NONE), null, text);
});

test('addresses and hosts are mapped, and the rest stays', () => {
  const map = new AddressMap({ '10.0.0.5:6379': '127.0.0.1:7001', '10.0.0.5': 'gate', 'Redis-1.internal': '127.0.0.1', '[fd00::0:1]:6379': '[::1]:7002', 'fd00::2': '::1' });
  for (const [host, port, leadsTo] of [['10.0.0.5', 6379, '127.0.0.1:7001'], ['10.0.0.5', 6380, 'gate:6380'], ['redis-1.INTERNAL', 1, '127.0.0.1:1'], ['fd00::1', 6379, '[::1]:7002'], ['fd00::2', 1, '[::1]:1'], ['10.0.0.6', 6379, '10.0.0.6:6379']]) {
    assert.equal(map.address(host, port), leadsTo);
  }
  for (const [from, to, says] of [['', 'h', 'is no address'], ['h:0', 'h:1', 'is no address'], ['h:1', 'redis://h:1', 'is no address'], ['h', 'unix:/x', 'is no address'], ['h:1', 'h', 'both have a port'], ['h', 'h:1', 'both have a port']]) {
    assert.throws(() => new AddressMap({ [from]: to }), { code: 'KENWELL_SETTINGS', message: new RegExp(says) });
  }
  assert.throws(() => new AddressMap(Object.fromEntries(Array.from({ length: 1025 }, (_, index) => [`h${index}`, 'h']))), /1024/);
  assert.deepEqual(addressesOf('h:1, [::1]:2,10.0.0.1:3', 'cluster.nodes'), ['h:1', '[::1]:2', '10.0.0.1:3']);
  for (const text of ['h', 'h:0', 'h:65536', '::1:6379', 'hunter2@h:1', 'h:1,', 'redis://h:1', 'unix:/hunter2']) assert.throws(() => addressesOf(text, 'cluster.nodes'), (error) => error.code === 'KENWELL_SETTINGS' && !error.message.includes('hunter2'), text);
});

test('everybody is asked in turn, and the doubted one last', () => {
  const topology = new ClusterTopology({ address: 'a:1,b:1,c:1', addressMap: {} });
  const asked = () => topology.nodesToAsk().map(([name]) => name).join('');
  assert.deepEqual([asked(), asked()], ['abc', 'bca']);
  topology.doubt('c:1', lost('it broke'));
  assert.deepEqual([asked(), asked()], ['abc', 'abc']);
  for (const [code, stale] of [['MOVED', true], ['CLUSTERDOWN', true], ['READONLY', true], ['ASK', false], ['TRYAGAIN', false], ['WRONGTYPE', false]]) {
    topology.stale = false;
    topology.doubt('a:1', new ErrorReply(`${code} 1 b:1`));
    assert.equal(topology.stale, stale, code);
  }
});

test('calls on a key begin when older ones have ended, readers together', () => {
  const order = new KeyOrder();
  const begun = [];
  const enter = (name, keys, changes) => {
    const turn = order.enter(keys, changes, () => begun.push(name));
    if (turn.hasCome()) begun.push(name);
    return turn;
  };
  const one = enter('one', ['a'], true);
  const two = enter('two', ['a', 'b'], false);
  const three = enter('three', ['b', 'a', 'a'], false);
  const four = enter('four', ['b'], true);
  const five = enter('five', ['c'], true);
  const six = enter('six', ['b'], false);
  assert.deepEqual(begun, ['one', 'five']);
  order.leave(one);
  assert.deepEqual(begun, ['one', 'five', 'two', 'three']);
  // It is over before its turn has come, so the one behind it waits for nothing any more.
  order.leave(four);
  assert.deepEqual(begun, ['one', 'five', 'two', 'three', 'six']);
  for (const turn of [two, three, four, five, six]) order.leave(turn);
  assert.equal(order.places.size, 0);
});
