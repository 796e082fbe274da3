/** `slowbeat config print` and `slowbeat config check`. */
import { formatDuration } from '@slowbeat/device-sdk';
import type { Command } from 'commander';
import { stringify } from 'yaml';
import type { Context } from '../context.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { addSettingsOptions, loadSettings, readSettings, type SettingsFlags } from '../settings/options.ts';
import { type Settings, settingsSchema } from '../settings/schema.ts';

export function addConfigCommand(program: Command, context: Context): void {
  const config = program.command('config').description('show or check the settings');
  addSettingsOptions(config.command('print'))
    .description('print the settings in force, defaults included, as YAML')
    .option('--json', 'as JSON')
    .action(async (flags: SettingsFlags & { json?: boolean }) => {
      const written = asWritten(await loadSettings(flags, context));
      context.terminal.stdout.write(
        flags.json ? `${JSON.stringify(written, null, 2)}\n` : stringify(written),
      );
    });
  addSettingsOptions(config.command('check'))
    .description('list everything that is wrong with the settings')
    .action(async (flags: SettingsFlags) => {
      const checked = await readSettings(settingsSchema, flags, context);
      if (!checked.ok) throw new CommandError(checked.problems.join('\n'), EXIT.usage);
      const classes = Object.keys(checked.settings.classes).length;
      context.terminal.stdout.write(
        `settings are fine; ${classes} device class${classes === 1 ? '' : 'es'}\n`,
      );
    });
}

/** Turns settings back into what a file may say: durations as text. */
function asWritten(settings: Settings): unknown {
  const classes = Object.entries(settings.classes).map(([name, knobs]) => [
    name,
    Object.fromEntries(
      Object.entries(knobs).map(([key, value]) =>
        key.endsWith('Ms') ? [key.slice(0, -2), formatDuration(Math.round(value as number))] : [key, value],
      ),
    ),
  ]);
  return {
    ...settings,
    snapshotInterval: formatDuration(settings.snapshotInterval),
    retention: formatDuration(settings.retention),
    rawBeatsRetention: formatDuration(settings.rawBeatsRetention),
    classes: Object.fromEntries(classes),
  };
}
