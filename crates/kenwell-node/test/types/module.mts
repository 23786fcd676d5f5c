// What an ES module gets: the names, and no default.
import * as all from '@kenwell/redis';
import { KenwellError, RedisStore } from '@kenwell/redis/express';
import { RedisAdapter } from '@kenwell/redis/grammy';
import { StateStore, transport, type StateRecord } from '@kenwell/redis/state';
// @ts-expect-error there is none
import index from '@kenwell/redis';
// @ts-expect-error
import state from '@kenwell/redis/state';
// @ts-expect-error
import express from '@kenwell/redis/express';
// @ts-expect-error
import grammy from '@kenwell/redis/grammy';
void [index, state, express, grammy];

const connectionString = 'redis://localhost';
const stores = [new StateStore({ connectionString }), new all.StateStore({ connectionString })];
const record: StateRecord | null = await stores[0].load('ada');
console.log(record?.updatedAt, transport.native, new RedisStore({ connectionString }), new RedisAdapter<number>({ connectionString }));
// One class, whichever entry names it.
const errors: (typeof KenwellError)[] = [KenwellError, all.KenwellError];
console.log(errors.length);
