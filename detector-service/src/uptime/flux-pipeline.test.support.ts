/**
 * A second opinion on our Flux: the few functions that it uses, as the standard library's documentation describes them
 * (docs.influxdata.com/flux/v0/stdlib/universe). It knows nothing else, and fails where a script uses more.
 */
import assert from 'node:assert/strict';
import type { Point } from '../store/line-protocol.ts';

export type FluxRow = Record<string, number | string | undefined>;
interface Table {
  readonly key: FluxRow;
  rows: FluxRow[];
}

/** Runs a script that is one pipeline over the points of a bucket; of two contents of a point the later one is there. */
export function runPipeline(script: string, points: readonly Point[]): FluxRow[] {
  const [source = '', ...steps] = script.split(/\n\s*\|> /);
  assert.match(source, /^from\(bucket: ".*"\)$/);
  let tables: Table[] = [];
  for (const step of steps) {
    const [, name = '', parameters = ''] = /^(\w+)\((.*)\)$/s.exec(step) ?? [];
    if (name === 'range') tables = rangeOf(points, parameters);
    else if (name === 'filter') filter(tables, parameters);
    else if (name === 'first')
      for (const table of tables) table.rows = sorted(table.rows, ['_time']).slice(0, 1);
    else if (name === 'last')
      for (const table of tables) table.rows = sorted(table.rows, ['_time']).slice(-1);
    else if (name === 'drop') tables = drop(tables, namesIn(parameters, 'columns'));
    else if (name === 'pivot') tables = pivot(tables, parameters);
    else if (name === 'group') tables = [{ key: {}, rows: tables.flatMap(({ rows }) => rows) }];
    else if (name === 'sort')
      for (const table of tables) table.rows = sorted(table.rows, namesIn(parameters, 'columns'));
    else assert.fail(`no such step: ${step}`);
    tables = tables.filter(({ rows }) => rows.length > 0);
  }
  return tables.flatMap(({ rows }) => rows);
}

/** One table for each field of each series; the start belongs to the range, the stop does not. */
function rangeOf(points: readonly Point[], parameters: string): Table[] {
  const [, start = '', stop = ''] = /^start: (\S+), stop: (\S+)$/.exec(parameters) ?? [];
  const tables = new Map<string, Table & { readonly at: Map<number, FluxRow> }>();
  for (const { measurement, tags, fields, at } of points) {
    if (at < Date.parse(start) || at >= Date.parse(stop)) continue;
    for (const [field, value] of Object.entries(fields)) {
      const key = { _measurement: measurement, _field: field, _start: start, _stop: stop, ...tags };
      const name = JSON.stringify(key);
      const table = tables.get(name) ?? { key, rows: [], at: new Map() };
      tables.set(name, table);
      table.at.set(at, { ...key, _time: at, _value: typeof value === 'string' ? value : Number(value) });
    }
  }
  return [...tables.values()].map(({ key, at }) => ({ key, rows: [...at.values()] }));
}

function filter(tables: Table[], parameters: string): void {
  const [, condition = ''] = /^fn: \(r\) => (.*)$/s.exec(parameters) ?? [];
  const isTrue = conditionOf(condition);
  for (const table of tables) table.rows = table.rows.filter((row) => isTrue(row) === true);
}

function drop(tables: readonly Table[], columns: readonly string[]): Table[] {
  const without = (row: FluxRow): FluxRow =>
    Object.fromEntries(Object.entries(row).filter(([name]) => !columns.includes(name)));
  return tables.map(({ key, rows }) => ({ key: without(key), rows: rows.map(without) }));
}

/** What the row key, the column key and the value are taken from leaves the group key; tables that are alike then merge. */
function pivot(tables: readonly Table[], parameters: string): Table[] {
  assert.equal(parameters, 'rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value"');
  const merged = new Map<string, Table & { readonly at: Map<unknown, FluxRow> }>();
  for (const { key, rows } of tables) {
    const { _field, ...rest } = key;
    const name = JSON.stringify(Object.entries(rest).sort());
    const table = merged.get(name) ?? { key: rest, rows: [], at: new Map() };
    merged.set(name, table);
    for (const row of rows) {
      const wide = table.at.get(row._time) ?? { ...rest, _time: row._time };
      table.at.set(row._time, { ...wide, [row._field as string]: row._value });
    }
  }
  return [...merged.values()].map(({ key, at }) => ({ key, rows: [...at.values()] }));
}

function sorted(rows: readonly FluxRow[], columns: readonly string[]): FluxRow[] {
  return rows.toSorted((one, other) => {
    for (const column of columns) {
      const [a, b] = [one[column], other[column]];
      if (a === b) continue;
      return a === undefined || (b !== undefined && a < b) ? -1 : 1;
    }
    return 0;
  });
}

function namesIn(parameters: string, parameter: string): string[] {
  const [, list = ''] = new RegExp(`^${parameter}: \\[(.*)\\]$`).exec(parameters) ?? [];
  return list.split(', ').map((name) => JSON.parse(name) as string);
}

type Condition = (row: FluxRow) => boolean | undefined;

/** Comparisons, `exists`, `and`, `or` and brackets; comparing with what is not there gives null, which is not true. */
function conditionOf(text: string): Condition {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|\w+|==|[()[\].]/g) ?? [];
  let next = 0;
  const take = (): string => tokens[next++] ?? assert.fail(`ends too soon: ${text}`);
  const expect = (token: string): void => assert.equal(take(), token, text);
  const literal = (token: string): string =>
    token.slice(1, -1).replace(/\\(.)/g, (_, one) => ESCAPES[one] ?? one);
  const column = (): string => {
    expect('r');
    if (take() === '.') return take();
    const name = literal(take());
    expect(']');
    return name;
  };
  const term = (): Condition => {
    if (tokens[next] === '(') {
      take();
      const inner = or();
      expect(')');
      return inner;
    }
    if (tokens[next] === 'exists') {
      take();
      const name = column();
      return (row) => row[name] !== undefined;
    }
    const name = column();
    expect('==');
    const token = take();
    const value = token.startsWith('"') ? literal(token) : Number(token);
    return (row) => (row[name] === undefined ? undefined : row[name] === value);
  };
  const and = (): Condition => {
    const all = [term()];
    while (tokens[next] === 'and' && take()) all.push(term());
    return (row) => all.every((one) => one(row) === true);
  };
  const or = (): Condition => {
    const any = [and()];
    while (tokens[next] === 'or' && take()) any.push(and());
    return (row) => any.some((one) => one(row) === true);
  };
  const whole = or();
  assert.equal(next, tokens.length, `there is more: ${text}`);
  return whole;
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };
