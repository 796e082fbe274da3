#!/usr/bin/env node
import { run } from './cli.ts';
import { processTerminal } from './terminal.ts';

const PLAIN = '--no-color';
const args = process.argv.slice(2);
const env = args.includes(PLAIN) ? { ...process.env, NO_COLOR: '1' } : process.env;

process.exitCode = await run(
  args.filter((arg) => arg !== PLAIN),
  { terminal: processTerminal(env), env },
);
