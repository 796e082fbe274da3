/** What happens to the packets of one link: which are lost, how long the others take, which come twice. */
import type { Bursts, LinkQuality } from '../link-quality.ts';
import type { Random } from '../random.ts';

/** No packet travels for longer, whatever the tail says. */
const DELAY_MS_MAX = 3_600_000;

export class Weather {
  readonly quality: LinkQuality;
  readonly #packets: Random;
  readonly #bursts: BurstTimes | undefined;

  constructor(quality: LinkQuality, random: Random) {
    this.quality = quality;
    this.#packets = random.split('packets');
    this.#bursts = quality.bursts && new BurstTimes(quality.bursts, random.split('bursts'));
  }

  /** Is a packet lost that is sent at this instant? Instants never run backwards. */
  loses(atMs: number): boolean {
    const loss = this.#bursts?.covers(atMs) ? this.quality.bursts?.loss : this.quality.loss;
    return loss !== undefined && loss > 0 && this.#packets.chance(loss);
  }

  /** Whole milliseconds. */
  drawDelayMs(): number {
    const { delayMs, spread, slow } = this.quality;
    let drawnMs = spread === 0 ? delayMs : delayMs * Math.exp(spread * this.#packets.normal());
    if (slow.chance > 0 && this.#packets.chance(slow.chance)) drawnMs *= this.#packets.pareto(slow.shape);
    return Math.ceil(Math.min(drawnMs, DELAY_MS_MAX));
  }

  doubles(): boolean {
    return this.#happens(this.quality.duplicates);
  }

  /** Does a loss of link or power leave connections standing? */
  vanishes(): boolean {
    return this.#happens(this.quality.vanish);
  }

  #happens(probability: number): boolean {
    return probability > 0 && this.#packets.chance(probability);
  }
}

/** When the bursts are, drawn one after the other as time passes. */
class BurstTimes {
  readonly #bursts: Bursts;
  readonly #random: Random;
  #fromMs = 0;
  #toMs = 0;

  constructor(bursts: Bursts, random: Random) {
    this.#bursts = bursts;
    this.#random = random;
  }

  covers(atMs: number): boolean {
    while (this.#toMs <= atMs) {
      this.#fromMs = this.#toMs + this.#random.exponential(this.#bursts.everyMs);
      this.#toMs = this.#fromMs + this.#drawLengthMs();
    }
    return this.#fromMs <= atMs;
  }

  #drawLengthMs(): number {
    const { forMs, shape } = this.#bursts;
    if (shape === undefined) return this.#random.exponential(forMs);
    // A Pareto draw from 1 on has the mean shape / (shape − 1).
    return ((forMs * (shape - 1)) / shape) * this.#random.pareto(shape);
  }
}
