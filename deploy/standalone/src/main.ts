#!/usr/bin/env node
import { run } from './cli.ts';
import { processTerminal } from './terminal.ts';

process.exitCode = await run(process.argv.slice(2), { terminal: processTerminal(), env: process.env });
