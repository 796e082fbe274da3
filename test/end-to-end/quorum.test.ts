/** Two monitors at one broker, each with verdicts of its own, and what they say together when one of them is gone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QuorumWatch } from '@slowbeat/detector-service/quorum';
import { decode, parseTopic, type StateMessage } from '@slowbeat/device-sdk/protocol';
import { Mosquitto, needsMosquitto, until } from '@slowbeat/test-servers';
import mqtt from 'mqtt';
import { CuttableLink } from '../support/cuttable-link.ts';
import { type Monitor, scratch, startMonitor } from '../support/processes.ts';
import { RawDevice } from '../support/raw-device.ts';

const BEAT_MS = 500;
const TIMEOUT = '3s';

/** A monitor that calls a device dead after three seconds. */
function monitor(name: string, url: string, dataDirectory: string): Promise<Monitor> {
  const settings = {
    monitor: name,
    ownStateTopic: 'true',
    dataDirectory,
    'classes.meter.interval': '1s',
    'classes.meter.algorithm': 'fixed',
    'classes.meter.timeout': TIMEOUT,
    'classes.meter.reconnect': '1s',
  };
  return startMonitor(settings, { command: ['detector', '--url', url] });
}

/** What monitors say together, as somebody hears it who starts to listen now. */
class Quorum implements AsyncDisposable {
  readonly said: StateMessage[] = [];
  /** Monitors that have said something. */
  readonly heard = new Set<string>();
  readonly #client: mqtt.MqttClient;

  private constructor(client: mqtt.MqttClient, watch: QuorumWatch) {
    this.#client = client;
    client.on('message', (topic, payload) => {
      this.heard.add(topic.slice(topic.lastIndexOf('/') + 1));
      const joint = watch.hear(topic, payload);
      if (joint === undefined) return;
      assert.equal(parseTopic('hb/v1', joint.topic)?.device, 'd1');
      const decoded = decode('state', joint.payload);
      if (decoded.ok) this.said.push(decoded.message);
    });
  }

  static async of(url: string, ...monitors: string[]): Promise<Quorum> {
    const client = await mqtt.connectAsync(url);
    const quorum = new Quorum(client, new QuorumWatch({ root: 'hb/v1', monitors }));
    await client.subscribeAsync('hb/v1/+/+/state/+', { qos: 1 });
    return quorum;
  }

  get latest(): string {
    return `${this.said.at(-1)?.state} ${this.said.at(-1)?.reason}`;
  }

  says(latest: RegExp): Promise<void> {
    return until(() => latest.test(this.latest), `${latest} said together`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.endAsync(true);
  }
}

/** Beats until it is disposed of. */
class Beating implements Disposable {
  readonly #timer: NodeJS.Timeout;

  constructor(device: RawDevice) {
    let seq = 0;
    const beat = { generation: 1, session: 1, nextMs: BEAT_MS };
    this.#timer = setInterval(
      () => void device.say('beat', { ...beat, seq: seq++ }).catch(() => {}),
      BEAT_MS,
    );
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

test(
  'a device that one of two monitors hears is alive, and dead when both find it so',
  needsMosquitto,
  async () => {
    await using data = await scratch();
    await using broker = await Mosquitto.start();
    await using link = await CuttableLink.to(broker.url);
    await using _berlin = await monitor('berlin', broker.url, `${data.path}/berlin`);
    await using paris = await monitor('paris', link.url, `${data.path}/paris`);
    await using quorum = await Quorum.of(broker.url, 'berlin', 'paris');
    await using device = await RawDevice.connect(broker.url, 'meter', 'd1');
    {
      using _beating = new Beating(device);
      await until(() => quorum.heard.size === 2, 'both to say something of it');
      assert.match(quorum.latest, /^alive/);
      link.cut();
      await until(
        async () => (await paris.metric('slowbeat_blind')) === 1,
        'paris to know that it is cut off',
      );
      // Berlin hears it: whatever Paris cannot is no evidence.
      assert.match(quorum.latest, /^alive/);
    }
    // It dies while Paris is cut off, whose last word stands: Berlin alone is no majority of two.
    await using alone = await Quorum.of(broker.url, 'berlin');
    await alone.says(/^dead quorum-1-of-1$/);
    assert.ok(!quorum.said.some(({ state }) => state === 'dead'), 'nobody else has found it dead yet');
    link.mend();
    await quorum.says(/^dead quorum-2-of-2$/);
  },
);

test(
  'a monitor that is killed and left out keeps nobody alive; one that ends says so itself',
  needsMosquitto,
  async () => {
    await using data = await scratch();
    await using broker = await Mosquitto.start();
    await using _berlin = await monitor('berlin', broker.url, `${data.path}/berlin`);
    await using paris = await monitor('paris', broker.url, `${data.path}/paris`);
    await using rome = await monitor('rome', broker.url, `${data.path}/rome`);
    await using all = await Quorum.of(broker.url, 'berlin', 'paris', 'rome');
    await using device = await RawDevice.connect(broker.url, 'meter', 'd1');
    {
      using _beating = new Beating(device);
      await until(() => all.heard.size === 3, 'all to say something of it');
      assert.match(all.latest, /^alive/);
      await paris.process.end('SIGKILL');
      await rome.process.end('SIGTERM');
    }
    await using left = await Quorum.of(broker.url, 'berlin', 'rome');
    await left.says(/^dead quorum-1-of-1$/);
    assert.match(all.latest, /^alive/, 'the last word of one that was killed stands until it is left out');
  },
);
