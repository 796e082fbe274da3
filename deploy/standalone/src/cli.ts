/** The `slowbeat` command: from arguments to an exit code. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { addBrokerCommand } from './commands/broker.ts';
import { addConfigCommand } from './commands/config.ts';
import { addDemoCommand } from './commands/demo.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addDowntimesCommand } from './commands/downtimes.ts';
import { addJournalCommand } from './commands/journal.ts';
import { addLatencyCommand } from './commands/latency.ts';
import { addReplayCommand } from './commands/replay.ts';
import { addReportCommand } from './commands/report.ts';
import { addSimCommand } from './commands/sim.ts';
import { addStartCommands } from './commands/start.ts';
import { addTuneCommand } from './commands/tune.ts';
import { addUptimeCommand } from './commands/uptime.ts';
import type { Context } from './context.ts';
import { CommandError, EXIT } from './exit-codes.ts';

/** Runs one command to its end. Never throws: every failure becomes a message on stderr and a code. */
export async function run(args: readonly string[], context: Context): Promise<number> {
  try {
    await program(context).parseAsync(args, { from: 'user' });
    return process.exitCode === undefined ? EXIT.ok : Number(process.exitCode);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const { stderr } = context.terminal;
    if (error instanceof CommandError) {
      stderr.write(`slowbeat: ${error.message}\n`);
      return error.exitCode;
    }
    stderr.write(`slowbeat: unexpected failure\n${error instanceof Error ? error.stack : String(error)}\n`);
    return EXIT.failed;
  }
}

function version(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return String(version);
}

function program(context: Context): Command {
  const { stdout, stderr } = context.terminal;
  const slowbeat = new Command('slowbeat')
    .description(
      'Heartbeats of low-power devices over MQTT: who is alive, who is late, who is dead and since when.',
    )
    .version(version(), '--version', 'print the version')
    .helpOption('--help', 'show help')
    .helpCommand(false)
    .option('--no-color', 'plain text, also when NO_COLOR is not set')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
      outputError: (text, write) => write(`slowbeat: ${oneLine(text)}\n`),
    });
  addDemoCommand(slowbeat, context);
  addStartCommands(slowbeat, context);
  addBrokerCommand(slowbeat, context);
  addUptimeCommand(slowbeat, context);
  addDowntimesCommand(slowbeat, context);
  addLatencyCommand(slowbeat, context);
  addReportCommand(slowbeat, context);
  addJournalCommand(slowbeat, context);
  addDoctorCommand(slowbeat, context);
  addReplayCommand(slowbeat, context);
  addTuneCommand(slowbeat, context);
  addSimCommand(slowbeat, context);
  addConfigCommand(slowbeat, context);
  return slowbeat;
}

/** commander puts "(Did you mean start?)" on a second line. */
function oneLine(text: string): string {
  return text
    .trim()
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ');
}
